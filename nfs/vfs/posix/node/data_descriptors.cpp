#include "nfs/vfs/posix/node/data_descriptors.hpp"

#include <fcntl.h>
#include <unistd.h>

#include "nfs/vfs/posix/system/calls.hpp"
#include "nfs/vfs/posix/tree.hpp"

namespace berth::vfs::posix {
namespace {

Result<Descriptor> open_contents(int path, int flags) {
    // Without O_NONBLOCK the call would wait until a local process gives up its lease. With it, the
    // call is refused and the process is asked for the lease; then only waiting is left.
    auto opened = reopen(path, flags | O_NOCTTY | O_NONBLOCK);
    if (opened || opened.error() != would_block) return opened;
    return reopen(path, flags | O_NOCTTY);
}

// The mode of its own files binds a server without privileges, although their owner may read and
// write them whatever it says. So the mode is opened up for the moment of opening.
Result<Descriptor> open_own(int path, int flags) {
    const auto found = status(path);
    if (!found) return found.error();
    if (found->stx_uid != ::geteuid()) return std::errc::permission_denied;
    const mode_t mode = found->stx_mode & 07777U;
    if (auto opened_up = change_mode(path, mode | S_IRUSR | S_IWUSR); !opened_up) {
        return std::errc::permission_denied;
    }
    auto opened = open_contents(path, flags);
    if (auto restored = change_mode(path, mode); !restored) return restored.error();
    return opened;
}

}  // namespace

DataDescriptors::~DataDescriptors() {
    const Descriptor reading{readable_.load()};
    const Descriptor writing{is_path_writable_ ? -1 : writable_.load()};
}

int DataDescriptors::readable() const noexcept {
    const int writable = writable_.load(std::memory_order_acquire);
    return writable >= 0 ? writable : readable_.load(std::memory_order_acquire);
}

Result<int> DataDescriptors::for_reading(const Tree& tree, int path) {
    if (const int number = readable(); number >= 0) return number;
    return open(tree, path, O_RDONLY, readable_);
}

Result<int> DataDescriptors::for_writing(const Tree& tree, int path) {
    writable_used_.store(true, std::memory_order_relaxed);
    if (const int number = writable_.load(std::memory_order_acquire); number >= 0) return number;
    return open(tree, path, O_RDWR, writable_);
}

Descriptor DataDescriptors::take_idle_writable(const Descriptor& stand_in) {
    if (writable_.load() < 0 || writable_used_.exchange(false)) return {};
    return is_path_writable_ ? take_from_path(stand_in) : Descriptor{writable_.exchange(-1)};
}

Descriptor DataDescriptors::stand_in() const {
    if (!is_path_writable_ || writable_used_.load()) return {};
    auto opened = reopen(writable_.load(), O_PATH);
    return opened ? std::move(*opened) : Descriptor{};
}

Descriptor DataDescriptors::take_from_path(const Descriptor& stand_in) {
    if (!stand_in) return {};
    const int path = writable_.load();
    Descriptor taken{::fcntl(path, F_DUPFD_CLOEXEC, 0)};
    if (!taken || ::dup3(stand_in.number(), path, O_CLOEXEC) < 0) return {};
    is_path_writable_ = false;
    writable_.store(-1);
    return taken;
}

Result<Descriptor> DataDescriptors::open_another(const Tree& tree, int path, int flags) {
    const std::lock_guard locked{opening_};
    return open_as_server(tree, path, flags);
}

Result<Descriptor> DataDescriptors::open_as_server(const Tree& tree, int path, int flags) {
    const auto acting = tree.act_as_server();
    if (!acting) return acting.error();
    return tree.opening(Patience::ample, [&] {
        auto opened = open_contents(path, flags);
        if (opened || opened.error() != std::errc::permission_denied) return opened;
        return open_own(path, flags);
    });
}

Result<int> DataDescriptors::open(const Tree& tree, int path, int flags, std::atomic<int>& slot) {
    const std::lock_guard locked{opening_};
    if (const int number = slot.load(std::memory_order_acquire); number >= 0) return number;
    auto opened = open_as_server(tree, path, flags);
    if (!opened) return opened.error();
    const int number = opened->release();
    slot.store(number, std::memory_order_release);
    return number;
}

}  // namespace berth::vfs::posix
