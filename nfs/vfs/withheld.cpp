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

#include <boost/filesystem/operations.hpp>
#include <boost/filesystem/path.hpp>

#include "nfs/vfs/posix/node/open_files.hpp"
#include "nfs/vfs/posix/system/calls.hpp"

namespace berth::vfs {
namespace {

bool is_same(const struct statx& a, const struct statx& b) {
    return a.stx_ino == b.stx_ino && a.stx_dev_major == b.stx_dev_major &&
           a.stx_dev_minor == b.stx_dev_minor;
}

bool is_on_one_device(const struct statx& a, const struct statx& b) {
    return a.stx_dev_major == b.stx_dev_major && a.stx_dev_minor == b.stx_dev_minor;
}

/// Goes from a directory up to the root of the file tree until `is_found` returns true.
template <class IsFound>
bool climb(int directory, IsFound is_found) {
    Descriptor at;
    for (auto here = posix::status(directory); here;) {
        if (is_found(*here)) return true;
        auto above = open_at(at ? at.number() : directory, "..", O_PATH | O_DIRECTORY | O_NOFOLLOW);
        // Without descriptors its place can't be determined, so it is not shown now.
        if (!above) return posix::lacks_descriptors(above.error());
        at = std::move(*above);
        const auto next = posix::status(at.number());
        if (!next || is_same(*next, *here)) return false;
        here = next;
    }
    return false;
}

/// Empty if the kernel reports none.
Descriptor directory_of(int object) {
    std::array<char, PATH_MAX> path{};
    const auto size = posix::read_own_link(object, path);
    if (size <= 0 || static_cast<std::size_t>(size) == path.size()) return {};
    const auto directory =
        boost::filesystem::path{std::string_view{path.data(), static_cast<std::size_t>(size)}}
            .parent_path();
    auto opened = open_at(AT_FDCWD, directory.c_str(), O_PATH | O_DIRECTORY);
    return opened ? std::move(*opened) : Descriptor{};
}

}  // namespace

std::optional<Withheld::Object> Withheld::object_at(const boost::filesystem::path& path) {
    auto opened = open_at(AT_FDCWD, path.c_str(), O_PATH | O_NOFOLLOW);
    if (!opened) return {};
    const auto found = posix::status(opened->number());
    if (!found) return {};
    return Object{std::move(*opened), found->stx_dev_major, found->stx_dev_minor, found->stx_ino};
}

Withheld::Withheld(const What& what) : mark_(what.mark) {
    for (const auto& path : what.paths) {
        boost::system::error_code ignored;  // paths that lead nowhere are left out
        if (auto object = object_at(boost::filesystem::canonical(path, ignored)))
            objects_.push_back(std::move(*object));
    }
    for (const auto& path : what.links) {
        auto link = object_at(path);
        auto directory = open_at(AT_FDCWD, path.parent_path().c_str(), O_PATH | O_DIRECTORY);
        if (!link || !directory) continue;
        link->held = std::move(*directory);
        links_.push_back(std::move(*link));
    }
}

bool Withheld::Object::is(const struct statx& found) const noexcept {
    return inode == found.stx_ino && device_major == found.stx_dev_major &&
           device_minor == found.stx_dev_minor;
}

bool Withheld::has(const struct statx& found) const noexcept {
    return std::ranges::any_of(objects_, [&](const Object& each) { return each.is(found); });
}

bool Withheld::is_link(const struct statx& found) const noexcept {
    return std::ranges::any_of(links_, [&](const Object& each) { return each.is(found); });
}

bool Withheld::may_mark(int directory) const {
    if (!mark_) return false;
    const auto found = posix::status(directory, mark_->name.c_str());
    return found ? S_ISREG(found->stx_mode) && found->stx_size == mark_->contents.size()
                 : found.error() != std::errc::no_such_file_or_directory;
}

bool Withheld::marks(int directory) const {
    if (!may_mark(directory)) return false;
    constexpr int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
    const auto file = open_at(directory, mark_->name.c_str(), flags);
    // Without descriptors its place can't be determined, so it is not shown now.
    if (!file) return posix::lacks_descriptors(file.error());
    std::vector<std::byte> contents(mark_->contents.size() + 1);
    const auto size = ::pread(file->number(), contents.data(), contents.size(), 0);
    return size >= 0 && static_cast<std::size_t>(size) == mark_->contents.size() &&
           std::equal(mark_->contents.begin(), mark_->contents.end(), contents.begin());
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
    const auto lies_there = [&](const Object& object) {
        return climb(object.held.number(),
                     [&](const struct statx& here) { return is_same(here, *top); });
    };
    return std::ranges::any_of(objects_, lies_there) || std::ranges::any_of(links_, lies_there);
}

}  // namespace berth::vfs
