// Counts of the portmapper's calls, for GETSTAT (RFC 1833 §2.1, "rpcbind statistics"). They stop at
// the largest number that the wire can carry. Locks itself, never for long.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

#include <boost/thread/synchronized_value.hpp>

#include "portmap/netid.hpp"
#include "portmap/protocol.hpp"

namespace berth::portmap {

class Statistics {
public:
    /// How many distinct lookups are counted per version.
    static constexpr std::size_t lookups_max = 256;

    struct Lookup {
        std::uint32_t program = 0;
        std::uint32_t version = 0;
        Netid netid = Netid::tcp;
        std::int32_t success = 0;
        std::int32_t failure = 0;
    };
    struct Counts {
        std::array<std::int32_t, rpcbind::procedure_count> calls{};
        std::int32_t set = 0;
        std::int32_t unset = 0;
        std::vector<Lookup> lookups;
    };

    /// `by` is always the portmapper's own version, 2 to 4.
    void count_call(std::uint32_t by, std::uint32_t procedure);
    void count_set(std::uint32_t by);
    void count_unset(std::uint32_t by);
    /// If there is no room, the oldest lookup that never succeeded is dropped: nonsense requests
    /// cannot displace lookups that are really used.
    void count_lookup(std::uint32_t by, std::uint32_t program, std::uint32_t version, Netid netid,
                      bool found);

    /// The counts of versions 2, 3 and 4, in this order.
    [[nodiscard]] std::array<Counts, 3> snapshot() const;

private:
    struct All {
        std::array<Counts, 3> counts;
        Counts& of(std::uint32_t by) { return counts.at(by - 2); }
    };
    boost::synchronized_value<All, std::mutex> all_;
};

}  // namespace berth::portmap
