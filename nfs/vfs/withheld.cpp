#include "nfs/vfs/withheld.hpp"

#include <algorithm>
#include <array>
#include <climits>
#include <cstddef>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "nfs/vfs/posix/system.hpp"

namespace berth::vfs {
namespace {

using posix::Descriptor;

bool is_same(const struct statx& a, const struct statx& b) {
    return a.stx_ino == b.stx_ino && a.stx_dev_major == b.stx_dev_major &&
           a.stx_dev_minor == b.stx_dev_minor;
}

bool is_on_one_device(const struct statx& a, const struct statx& b) {
    return a.stx_dev_major == b.stx_dev_major && a.stx_dev_minor == b.stx_dev_minor;
}

/// Goes from a directory up to the root of everything, as long as `is_found` says no.
template <class IsFound>
bool climb(int directory, IsFound is_found) {
    Descriptor at;
    for (auto here = posix::status(directory); here;) {
        if (is_found(*here)) return true;
        auto above =
            posix::open_at(at ? at.number() : directory, "..", O_PATH | O_DIRECTORY | O_NOFOLLOW);
        if (!above) return false;
        at = std::move(*above);
        const auto next = posix::status(at.number());
        if (!next || is_same(*next, *here)) return false;
        here = next;
    }
    return false;
}

/// Empty when the kernel tells none.
Descriptor directory_of(int object) {
    std::array<char, PATH_MAX> path{};
    const auto size = ::readlink(posix::ReopenPath{object}.text(), path.data(), path.size());
    if (size <= 0 || static_cast<std::size_t>(size) == path.size()) return {};
    const auto directory =
        std::filesystem::path{std::string_view{path.data(), static_cast<std::size_t>(size)}}
            .parent_path();
    auto opened = posix::open_at(AT_FDCWD, directory.c_str(), O_PATH | O_DIRECTORY);
    return opened ? std::move(*opened) : Descriptor{};
}

}  // namespace

Withheld::Withheld(std::span<const std::filesystem::path> paths) {
    for (const auto& path : paths) {
        auto opened = posix::open_at(AT_FDCWD, path.c_str(), O_PATH);
        if (!opened) continue;
        const auto found = posix::status(opened->number());
        if (!found) continue;
        objects_.push_back(
            {std::move(*opened), found->stx_dev_major, found->stx_dev_minor, found->stx_ino});
    }
}

bool Withheld::has(const struct statx& found) const noexcept {
    return std::ranges::any_of(objects_, [&](const Object& object) {
        return object.inode == found.stx_ino && object.device_major == found.stx_dev_major &&
               object.device_minor == found.stx_dev_minor;
    });
}

bool Withheld::reaches(int object) const {
    const auto start = posix::status(object);
    if (!start) return false;
    if (has(*start)) return true;
    const auto above = S_ISDIR(start->stx_mode) ? Descriptor{} : directory_of(object);
    if (!S_ISDIR(start->stx_mode) && !above) return false;
    bool is_elsewhere = false;
    const bool is_reached = climb(above ? above.number() : object, [&](const struct statx& here) {
        is_elsewhere = !is_on_one_device(*start, here);
        return is_elsewhere || has(here);
    });
    return is_reached && !is_elsewhere;
}

bool Withheld::is_below(int directory) const {
    const auto top = posix::status(directory);
    if (!top) return false;
    return std::ranges::any_of(objects_, [&](const Object& object) {
        return climb(object.held.number(),
                     [&](const struct statx& here) { return is_same(here, *top); });
    });
}

}  // namespace berth::vfs
