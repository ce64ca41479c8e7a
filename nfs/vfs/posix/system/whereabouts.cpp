#include "nfs/vfs/posix/system/whereabouts.hpp"

#include <algorithm>
#include <array>
#include <climits>
#include <cstddef>
#include <ctime>
#include <string>
#include <utility>

#include <unistd.h>

#include "nfs/vfs/mounts.hpp"
#include "nfs/vfs/posix/system/calls.hpp"

namespace berth::vfs::posix {
namespace {

// Names may change while they are looked up.
constexpr int ways_max = 64;

bool is_root_of_mount(const struct statx& status) {
    return (status.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT) != 0 &&
           (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

// Errors which prove that an object is not there. All others leave that open for the moment.
bool is_answer(std::errc error) {
    return error == std::errc::no_such_file_or_directory || error == std::errc::not_a_directory ||
           error == std::errc::too_many_symbolic_link_levels ||
           error == std::errc::cross_device_link || error == std::errc::filename_too_long ||
           error == stale;
}

std::int64_t coarse_second() noexcept {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return now.tv_sec;
}

// As many levels up as one path has room for.
constexpr std::size_t levels_at_once = (PATH_MAX - 1) / std::string_view{"../"}.size();

Result<Descriptor> climb(int directory, std::size_t levels) {
    std::string way;
    way.reserve(levels * 3);
    for (std::size_t level = 0; level < levels; ++level) way += "../";
    return open_at(directory, way.c_str(), O_PATH | O_DIRECTORY);
}

}  // namespace

// A path as the kernel reports it; empty if it is too long to report.
class Whereabouts::Path {
public:
    explicit Path(int descriptor) noexcept {
        const auto size = read_own_link(descriptor, {bytes_.data(), bytes_.size() - 1});
        // A path that fills the buffer may be truncated.
        if (size > 0 && static_cast<std::size_t>(size) < bytes_.size() - 1)
            size_ = static_cast<std::size_t>(size);
        bytes_[size_] = '\0';
    }

    [[nodiscard]] bool is_empty() const noexcept { return size_ == 0; }
    [[nodiscard]] std::string_view text() const noexcept { return {bytes_.data(), size_}; }
    /// The relative path from there to the other; null if there is none.
    [[nodiscard]] const char* way_to(const Path& other) const noexcept {
        const auto above = text() == "/" ? std::string_view{} : text();
        const bool leads = !is_empty() && other.is_below(text());
        return leads ? other.bytes_.data() + above.size() + 1 : nullptr;
    }
    [[nodiscard]] bool is_below(std::string_view directory) const noexcept {
        const auto above = directory == "/" ? std::string_view{} : directory;
        const auto below = text();
        return below.size() > above.size() + 1 && below.starts_with(above) &&
               below[above.size()] == '/';
    }
    /// True also for an object whose name ends like that.
    [[nodiscard]] bool may_be_of_removed() const noexcept { return text().ends_with(" (deleted)"); }

private:
    std::array<char, PATH_MAX> bytes_;
    std::size_t size_ = 0;
};

Whereabouts::Whereabouts(int root, const ObjectIdentity& identity, OpenEntry open_entry,
                         bool takes_paths)
    : root_(root),
      identity_(identity),
      open_entry_(std::move(open_entry)),
      takes_paths_(takes_paths) {
    const auto found = status(root);
    if (!found || (found->stx_mask & STATX_MNT_ID) == 0) return;
    if (!shows_whole_file_system(found->stx_mnt_id)) return;
    matters_ = !is_root_of_mount(*found);
    // In a process confined to a directory (chroot), paths of objects outside it can begin
    // anywhere.
    const auto top = status(AT_FDCWD, "/");
    paths_are_places_ = top && is_root_of_mount(*top);
    remember_root(Path{root});  // what it is kept in is never allocated in a call
}

Result<bool> Whereabouts::is_inside(int object, FileType type, Patience patience) const {
    if (!matters_) return true;
    const auto told = is_told_inside(object, patience);
    if (!told) return told.error();
    if (*told) return **told;
    return type == FileType::directory ? is_deep_inside(object, patience) : false;
}

// Empty if the object's path can't be determined.
Result<std::optional<bool>> Whereabouts::is_told_inside(int object, Patience patience) const {
    std::string before;
    for (int tries = 0; tries < ways_max; ++tries) {
        const Path path{object};
        if (path.is_empty()) return std::optional<bool>{};
        if (is_below_recent_root(path)) return true;
        const Path root{root_};
        remember_root(root);
        if (const char* way = root.way_to(path)) {
            if (paths_are_places_ && !path.may_be_of_removed()) return true;
            const auto leads = leads_to(way, object, patience);
            if (!leads) return leads.error();
            if (*leads) return true;
        } else if (path.text() == root.text() && is_same(object, root_)) {
            return true;
        }
        auto seen = std::string{root.text()}.append(1, '\0').append(path.text());
        if (seen == before) return false;
        before = std::move(seen);
    }
    return false;
}

bool Whereabouts::is_below_recent_root(const Path& path) const {
    if (!paths_are_places_ || path.may_be_of_removed()) return false;
    const auto second = coarse_second();
    auto recent = recent_root_.synchronize();
    return recent->second == second && !recent->path.empty() && path.is_below(recent->path);
}

void Whereabouts::remember_root(const Path& root) const {
    const auto second = coarse_second();
    auto recent = recent_root_.synchronize();
    recent->path = root.text();
    recent->second = second;
}

// The path alone proves nothing. For an object that the kernel's way up does not reach, the path
// begins at the root of its file system, whatever this process has there.
Result<bool> Whereabouts::leads_to(const char* way, int object, Patience patience) const {
    const auto opened = open_below(way, patience);
    if (!opened) return is_answer(opened.error()) ? Result<bool>{false} : opened.error();
    return is_same(opened->number(), object);
}

bool Whereabouts::is_same(int one, int other) const {
    const auto first = identity_.sight(one);
    const auto second = identity_.sight(other);
    if (!first || !second || first->mark != second->mark) return false;
    return !first->mark.bytes().empty() || first->witness == second->witness;
}

Result<Descriptor> Whereabouts::open_below(const char* way, Patience patience) const {
    if (takes_paths_) return open_entry_(root_, way, patience);
    Descriptor reached;
    std::string_view rest{way};
    while (!rest.empty()) {
        const std::string name{rest.substr(0, rest.find('/'))};
        rest.remove_prefix(std::min(name.size() + 1, rest.size()));
        auto next = open_entry_(reached ? reached.number() : root_, name.c_str(), patience);
        if (!next) return next;
        reached = std::move(*next);
    }
    return reached;
}

// Looks for the lowest ancestor whose path can be determined, many levels at a time. The root is
// that directory or above it, because the root's own path can be determined.
Result<bool> Whereabouts::is_deep_inside(int directory, Patience patience) const {
    Descriptor lowest;
    const auto at = [&] { return lowest ? lowest.number() : directory; };
    for (std::size_t levels = levels_at_once; levels > 0;) {
        auto above = climb(at(), levels);
        const bool is_too_far =
            !above && (is_answer(above.error()) || above.error() == std::errc::permission_denied);
        if (!above && !is_too_far) return above.error();
        const bool is_deep =
            above && identity_.identify(above->number()) && Path{above->number()}.is_empty();
        if (is_deep)
            lowest = std::move(*above);
        else
            levels /= 2;
    }
    const auto told = climb(at(), 1);
    if (!told) return is_answer(told.error()) ? Result<bool>{false} : told.error();
    if (!identity_.identify(told->number())) return false;  // on another mounted file system
    const auto is_inside = is_told_inside(told->number(), patience);
    if (!is_inside) return is_inside.error();
    return is_inside->value_or(false);
}

}  // namespace berth::vfs::posix
