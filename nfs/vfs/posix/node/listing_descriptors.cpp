#include "nfs/vfs/posix/node/listing_descriptors.hpp"

#include <algorithm>
#include <utility>

namespace berth::vfs::posix {
namespace {

constexpr std::size_t waiting_max = 2;

}  // namespace

ListingDescriptors::Positioned ListingDescriptors::take(std::uint64_t position) {
    auto kept = kept_.synchronize();
    kept->used = true;
    auto& waiting = kept->waiting;
    if (waiting.empty()) return {};
    auto best = std::ranges::find(waiting, position, &Positioned::position);
    if (best == waiting.end()) best = waiting.begin();
    Positioned taken = std::move(*best);
    waiting.erase(best);
    return taken;
}

void ListingDescriptors::give_back(Positioned used) {
    Positioned surplus;
    auto kept = kept_.synchronize();
    auto& waiting = kept->waiting;
    if (waiting.size() >= waiting_max) {
        surplus = std::move(waiting.front());
        waiting.erase(waiting.begin());
    }
    waiting.push_back(std::move(used));
}

void ListingDescriptors::take_idle(std::vector<Descriptor>& idle) {
    auto kept = kept_.synchronize();
    if (std::exchange(kept->used, false)) return;
    for (Positioned& one : kept->waiting) idle.push_back(std::move(one.descriptor));
    kept->waiting.clear();
}

}  // namespace berth::vfs::posix
