#include "portmap/statistics.hpp"

#include <algorithm>
#include <limits>

namespace berth::portmap {
namespace {

void increment(std::int32_t& count) {
    if (count != std::numeric_limits<std::int32_t>::max()) ++count;
}

}  // namespace

void Statistics::count_call(std::uint32_t by, std::uint32_t procedure) {
    auto all = all_.synchronize();
    increment(all->of(by).calls.at(procedure));
}

void Statistics::count_set(std::uint32_t by) {
    auto all = all_.synchronize();
    increment(all->of(by).set);
}

void Statistics::count_unset(std::uint32_t by) {
    auto all = all_.synchronize();
    increment(all->of(by).unset);
}

void Statistics::count_lookup(std::uint32_t by, std::uint32_t program, std::uint32_t version,
                              Netid netid, bool found) {
    auto all = all_.synchronize();
    auto& lookups = all->of(by).lookups;
    auto lookup = std::ranges::find_if(lookups, [&](const Lookup& candidate) {
        return candidate.program == program && candidate.version == version &&
               candidate.netid == netid;
    });
    if (lookup == lookups.end()) {
        if (lookups.size() >= lookups_max) {
            const auto fruitless = std::ranges::find(lookups, 0, &Lookup::success);
            if (fruitless == lookups.end()) return;
            lookups.erase(fruitless);
        }
        lookup = lookups.insert(lookups.end(), {program, version, netid});
    }
    increment(found ? lookup->success : lookup->failure);
}

std::array<Statistics::Counts, 3> Statistics::snapshot() const {
    return all_->counts;
}

}  // namespace berth::portmap
