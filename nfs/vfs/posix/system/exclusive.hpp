// The verifier of an exclusive create is kept in the file's times until the client sets those. The
// seconds of each time hold 32 bits, which Unix file systems keep. A file system that keeps less
// gets a digest of the verifier in the modification time.
#pragma once

#include "nfs/vfs/result.hpp"
#include "nfs/vfs/types.hpp"

namespace berth::vfs::posix {

/// Stores the verifier in the file open as `file`, so that holds_verifier() recognises it, after a
/// restart too. operation_not_supported if the file system keeps no times.
Result<void> keep_verifier(int file, const CreateVerifier& verifier);

/// Whether these are the attributes of a file just after keep_verifier().
bool holds_verifier(const Attributes& attributes, const CreateVerifier& verifier);

}  // namespace berth::vfs::posix
