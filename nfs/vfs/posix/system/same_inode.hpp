// Which objects the kernel sees as one, for file systems that show several as one. Any thread.
#pragma once

#include <cstdint>
#include <mutex>

#include <boost/thread/synchronized_value.hpp>

#include "nfs/vfs/descriptor.hpp"
#include "nfs/vfs/result.hpp"

namespace berth::vfs::posix {

/// Tells whether two objects that are open at this moment are one to the kernel, whatever the file
/// system reports. Takes a descriptor when it is first asked. Locks itself; any thread.
class SameInode {
public:
    enum class Answer : std::uint8_t {
        same,
        different,
        unknown,  ///< this process may not read them, for example
    };
    [[nodiscard]] Result<Answer> operator()(int one, int other);

private:
    boost::synchronized_value<Descriptor, std::mutex> watches_;
};

}  // namespace berth::vfs::posix
