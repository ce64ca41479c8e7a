#include "nfs/vfs/descriptor.hpp"

#include <fcntl.h>

#include "nfs/vfs/posix/system/thread_identity.hpp"

namespace berth::vfs {

Result<Descriptor> open_at(int directory, const char* name, int flags, mode_t mode) {
    posix::drop_kept_identity();
    int number = -1;
    do number = ::openat(directory, name, flags | O_CLOEXEC, mode);
    while (number < 0 && errno == EINTR);
    if (number < 0) return last_error();
    return Descriptor{number};
}

}  // namespace berth::vfs
