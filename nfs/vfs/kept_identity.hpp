// Changing to a caller's identity and back costs a thread more than most calls do. A thread that
// answers several calls in a row therefore keeps the identity of the last caller in between.
#pragma once

#include <cstdint>

namespace berth::vfs {

/// From here until give_identity_back() the calling thread may keep the last caller's identity
/// after an operation, so that the next operation of the same caller need not change it. Operations
/// still do the server's own work as the server. Nothing else that touches files may run on this
/// thread, and it may not start another thread.
void keep_identity() noexcept;
/// Gives the calling thread the server's identity again, also between operations. Ends the process
/// if the kernel refuses: the thread must not go on under a caller's identity.
void give_identity_back() noexcept;
/// Whether the calling thread has kept another identity than the server's. Asks no system call.
[[nodiscard]] bool is_identity_kept() noexcept;
/// How often an operation of the calling thread has needed its caller's identity.
[[nodiscard]] std::uint64_t identity_uses() noexcept;

/// Whether the calling thread has the server's identity, as the kernel reports it.
[[nodiscard]] bool is_server_acting();

}  // namespace berth::vfs
