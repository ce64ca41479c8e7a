// Where the verifier of an exclusive create is kept until the client sets the file's times: in
// those times. 32 bits in the seconds of each, which file systems of Unix's kind keep; one that
// keeps less is given a digest of the verifier, in the time of modification.
#pragma once

#include "nfs/vfs/result.hpp"
#include "nfs/vfs/types.hpp"

namespace berth::vfs::posix {

/// Keeps the verifier with the file that is open as `file`, so that holds_verifier() knows it
/// again, after a restart too. operation_not_supported when the file system keeps no times.
Result<void> keep_verifier(int file, const CreateVerifier& verifier);

/// Whether these are a file's attributes just after keep_verifier().
bool holds_verifier(const Attributes& attributes, const CreateVerifier& verifier);

}  // namespace berth::vfs::posix
