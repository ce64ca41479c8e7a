#include "nfs/vfs/posix/node/locks.hpp"

#include <array>
#include <climits>

#include <fcntl.h>
#include <unistd.h>

#include "nfs/vfs/posix/node/node.hpp"
#include "nfs/vfs/posix/system/calls.hpp"

namespace berth::vfs::posix {
namespace {

struct flock to_kernel(const ByteRange& range, short type) {
    struct flock kernel {};
    kernel.l_type = type;
    kernel.l_whence = SEEK_SET;
    kernel.l_start = static_cast<off_t>(range.first);
    // Length 0 means to the end of file, however far it moves.
    const bool is_to_end = range.last >= ByteRange::byte_max;
    kernel.l_len = is_to_end ? 0 : static_cast<off_t>(range.last - range.first + 1);
    return kernel;
}

short type_of(LockKind kind) {
    return kind == LockKind::exclusive ? F_WRLCK : F_RDLCK;
}

LockedRange from_kernel(const struct flock& kernel) {
    const auto first = static_cast<std::uint64_t>(kernel.l_start);
    const auto length = static_cast<std::uint64_t>(kernel.l_len);
    return {.range = {first, length == 0 ? ByteRange::byte_max : first + length - 1},
            .kind = kernel.l_type == F_WRLCK ? LockKind::exclusive : LockKind::shared};
}

int control(const Descriptor& file, int command, struct flock& lock) {
    int outcome = ::fcntl(file.number(), command, &lock);
    while (outcome != 0 && errno == EINTR) outcome = ::fcntl(file.number(), command, &lock);
    return outcome;
}

}  // namespace

Result<bool> Locks::lock(const LockedRange& wanted) {
    auto kernel = to_kernel(wanted.range, type_of(wanted.kind));
    if (control(file_, F_OFD_SETLK, kernel) == 0) return true;
    if (errno == EAGAIN || errno == EACCES) return false;
    if (errno == EBADF) return std::errc::read_only_file_system;
    return last_error();
}

Result<void> Locks::unlock(const ByteRange& range) {
    auto kernel = to_kernel(range, F_UNLCK);
    return checked(control(file_, F_OFD_SETLK, kernel));
}

Result<std::optional<FileLocks::Obstacle>> Locks::obstacle_to(const LockedRange& wanted) {
    auto kernel = to_kernel(wanted.range, type_of(wanted.kind));
    if (control(file_, F_OFD_GETLK, kernel) != 0) return last_error();
    if (kernel.l_type == F_UNLCK) return std::optional<Obstacle>{};
    // The kernel returns -1 for a lock that belongs to an open file, not to a process.
    return std::optional{
        Obstacle{.held = from_kernel(kernel), .process = kernel.l_pid > 0 ? kernel.l_pid : 0}};
}

std::string Locks::describe_file() const {
    std::array<char, PATH_MAX> text;
    const auto length = read_own_link(file_.number(), text);
    return length < 0 ? std::string{} : std::string{text.data(), static_cast<std::size_t>(length)};
}

Result<std::unique_ptr<FileLocks>> Node::open_locks(const Caller& caller) {
    if (type_ == FileType::directory) return std::errc::is_a_directory;
    if (type_ != FileType::regular) return std::errc::invalid_argument;
    if (caller.patience == Patience::none) return would_block;
    const auto now = look(nullptr);
    if (!now) return now.error();
    if (auto allowed = permit(caller, *now, may_read | may_execute | may_write); !allowed) {
        return allowed.error();
    }
    auto opened = data_.open_another(tree_, path_.number(), O_RDWR);
    // The file system is read-only, the program is running, or the file is immutable.
    const bool for_reading_only = !opened && (opened.error() == std::errc::read_only_file_system ||
                                              opened.error() == std::errc::text_file_busy ||
                                              opened.error() == std::errc::permission_denied ||
                                              opened.error() == std::errc::operation_not_permitted);
    if (for_reading_only) opened = data_.open_another(tree_, path_.number(), O_RDONLY);
    if (!opened) return opened.error();
    return std::make_unique<Locks>(std::move(*opened));
}

}  // namespace berth::vfs::posix
