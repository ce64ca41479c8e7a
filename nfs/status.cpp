#include "nfs/status.hpp"

#include <cerrno>

#include "nfs/access/patience.hpp"
#include "nfs/vfs/result.hpp"

namespace berth::nfs {

Status to_status(std::errc error) {
    if (error == vfs::bad_handle) return Status::bad_handle;
    switch (static_cast<int>(error)) {
    case EPERM: return Status::not_owner;
    case ENOENT: return Status::no_entry;
    // The device failed, or its contents make no sense. After a timeout the operation may have been
    // carried out, so the client must not be asked to try again.
    case EIO:
    case EREMOTEIO:
    case EBADMSG:
    case EUCLEAN:
    case ENOTCONN:
    case ECONNABORTED:
    case ETIMEDOUT: return Status::io;
    case ENXIO: return Status::no_such_device;
    case EACCES: return Status::access;
    case EEXIST: return Status::exists;
    case EXDEV: return Status::cross_device;
    case ENODEV: return Status::no_device;
    case ENOTDIR: return Status::not_directory;
    case EISDIR: return Status::is_directory;
    case EINVAL:
    case ELOOP:
    case EILSEQ: return Status::invalid;  // this file system can't store the name
    case EFBIG: return Status::file_too_big;
    case ENOSPC: return Status::no_space;
    case EROFS: return Status::read_only;
    case EMLINK: return Status::too_many_links;
    case ENAMETOOLONG: return Status::name_too_long;
    case ENOTEMPTY: return Status::not_empty;
    case EDQUOT: return Status::quota;
    case ESTALE: return Status::stale;
    case EOPNOTSUPP:
    case ENOSYS: return Status::not_supported;
    // In use by a mount or a running program: the caller may not do it now.
    case EBUSY:
    case ETXTBSY: return Status::access;
    // The server is short of something that will be available again.
    case ENOMEM:
    case EMFILE:
    case ENFILE:
    case EAGAIN:
    case EINTR:
    case ENOBUFS: return Status::jukebox;
    default: return Status::server_fault;
    }
}

Status fail(rpc::Call& call, std::errc error) {
    if (access::defer_if_blocked(call, error)) return Status::jukebox;
    const auto status = to_status(error);
    if (status == Status::jukebox) call.forget_reply();
    return status;
}

Status fail_after_change(std::errc error) {
    const auto status = to_status(error);
    return status == Status::jukebox ? Status::io : status;
}

}  // namespace berth::nfs
