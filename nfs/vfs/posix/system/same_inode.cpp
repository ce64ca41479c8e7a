#include "nfs/vfs/posix/system/same_inode.hpp"

#include <array>
#include <cstddef>

#include <sys/inotify.h>
#include <unistd.h>

#include "nfs/vfs/posix/system/calls.hpp"

namespace berth::vfs::posix {
namespace {

// A resource that has run out now may be available later.
Result<SameInode::Answer> too_few(std::errc error) {
    switch (error) {
    case std::errc::too_many_files_open:
    case std::errc::too_many_files_open_in_system:
    case std::errc::not_enough_memory: return error;
    case std::errc::no_space_on_device: return std::errc::too_many_files_open;  // for watches
    default: return SameInode::Answer::unknown;
    }
}

}  // namespace

// The kernel keeps one watch per inode and inotify instance, and returns its number.
Result<SameInode::Answer> SameInode::operator()(int one, int other) {
    auto watches = watches_.synchronize();
    // The user of the process may have few of these (fs.inotify.max_user_instances).
    if (!*watches) *watches = Descriptor{::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)};
    if (!*watches) return Answer::unknown;
    const auto watch = [&](int object) -> Result<int> {
        const int made =
            ::inotify_add_watch(watches->number(), ReopenPath{object}.text(), IN_UNMOUNT);
        if (made < 0) return last_error();
        return made;
    };
    const auto first = watch(one);
    const auto second = watch(other);
    for (const auto& made : {first, second})
        if (made) ::inotify_rm_watch(watches->number(), *made);
    // The kernel reports each watch that ends; nobody needs these events.
    std::array<std::byte, 512> told;
    while (::read(watches->number(), told.data(), told.size()) > 0) continue;
    if (!first) return too_few(first.error());
    if (!second) return too_few(second.error());
    return *first == *second ? Answer::same : Answer::different;
}

}  // namespace berth::vfs::posix
