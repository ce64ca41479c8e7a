// What the portmapper was asked, for GETSTAT (RFC 1833 §2.1, "rpcbind statistics"). Counts stop at
// the largest number that the wire can carry. Locks itself, never for long.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

#include "portmap/netid.hpp"
#include "portmap/protocol.hpp"

namespace berth::portmap {

class Statistics {
public:
    /// Distinct lookups counted per version.
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

    /// In all of these `by` is the portmapper's own version, 2 to 4.
    void count_call(std::uint32_t by, std::uint32_t procedure);
    void count_set(std::uint32_t by);
    void count_unset(std::uint32_t by);
    /// When there is no room, the oldest that never found anything makes way: asking for nonsense
    /// cannot push out what is really used.
    void count_lookup(std::uint32_t by, std::uint32_t program, std::uint32_t version, Netid netid,
                      bool found);

    /// Of versions 2, 3 and 4, in this order.
    [[nodiscard]] std::array<Counts, 3> snapshot() const;

private:
    Counts& of(std::uint32_t by) { return counts_.at(by - 2); }

    mutable std::mutex lock_;
    std::array<Counts, 3> counts_;
};

}  // namespace berth::portmap
