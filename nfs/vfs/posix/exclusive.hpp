// Where the verifier of an exclusive create is kept until the client sets the file's times: in
// those times. 31 bits in the seconds of each, which every file system keeps, and the two left over
// in the half seconds.
#pragma once

#include <array>
#include <ctime>

#include "nfs/vfs/types.hpp"

namespace berth::vfs::posix {

/// For utimensat(2): time of access, time of modification.
std::array<timespec, 2> to_times(const CreateVerifier& verifier);

bool holds_verifier(const Attributes& attributes, const CreateVerifier& verifier);

}  // namespace berth::vfs::posix
