// Descriptors for listing one directory. A descriptor has one position, so each listing has its
// own; between calls the descriptor waits here for the listing's next call, which then needs no
// seek. Any thread.
#pragma once

#include <cstdint>
#include <mutex>
#include <vector>

#include <boost/thread/synchronized_value.hpp>

#include "nfs/vfs/descriptor.hpp"
#include "nfs/vfs/result.hpp"

namespace berth::vfs::posix {

class ListingDescriptors {
public:
    struct Positioned {
        Descriptor descriptor;
        std::uint64_t position = 0;
    };

    /// One that waits, preferably at `position`; without a descriptor if none waits.
    Positioned take(std::uint64_t position);
    void give_back(Positioned used);

    /// Removes those that nobody has used since the last call.
    void take_idle(std::vector<Descriptor>& idle);

private:
    struct Kept {
        std::vector<Positioned> waiting;
        bool used = false;
    };

    boost::synchronized_value<Kept, std::mutex> kept_;
};

}  // namespace berth::vfs::posix
