#include "nfs/access/patience.hpp"

#include "nfs/vfs/result.hpp"

namespace berth::access {

bool defer_if_blocked(rpc::Call& call, std::errc error) {
    // Where a call may wait, the kernel itself has returned it, and it means "later".
    if (error == vfs::would_block && call.where == rpc::Where::network_thread) call.defer();
    return call.deferred;
}

}  // namespace berth::access
