#include "nfs/vfs/posix/kernel_handles.hpp"

#include <fcntl.h>

#include "nfs/vfs/posix/object_identity.hpp"

namespace berth::vfs::posix {

Result<void> KernelHandles::try_out(int root, const ObjectId& root_id) {
    // Not O_DIRECTORY: newer kernels let some processes without the capability open directories
    // only.
    auto opened = open_kernel_handle(root, root_id, O_PATH | O_NOFOLLOW);
    if (!opened) return opened.error();
    const Descriptor closing{*opened};
    return {};
}

Result<Descriptor> KernelHandles::open(const ObjectId& id) {
    auto opened = open_kernel_handle(root_, id, O_PATH | O_NOFOLLOW);
    if (opened) return Descriptor{*opened};
    // File systems differ in how they say that a handle means nothing to them any more.
    if (opened.error() == std::errc::no_such_file_or_directory) return stale;
    return opened.error();
}

std::string KernelHandles::describe() const {
    return "objects are found by the kernel's file handles, which survive a restart";
}

}  // namespace berth::vfs::posix
