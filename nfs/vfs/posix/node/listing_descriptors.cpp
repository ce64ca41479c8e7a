#include "nfs/vfs/posix/node/listing_descriptors.hpp"

#include <algorithm>
#include <utility>

namespace berth::vfs::posix {
namespace {

constexpr std::size_t waiting_max = 2;

}  // namespace

ListingDescriptors::Positioned ListingDescriptors::take(std::uint64_t position) {
    const std::lock_guard locked{lock_};
    used_ = true;
    if (waiting_.empty()) return {};
    auto best = std::ranges::find(waiting_, position, &Positioned::position);
    if (best == waiting_.end()) best = waiting_.begin();
    Positioned taken = std::move(*best);
    waiting_.erase(best);
    return taken;
}

void ListingDescriptors::give_back(Positioned used) {
    Positioned surplus;
    const std::lock_guard locked{lock_};
    if (waiting_.size() >= waiting_max) {
        surplus = std::move(waiting_.front());
        waiting_.erase(waiting_.begin());
    }
    waiting_.push_back(std::move(used));
}

void ListingDescriptors::take_idle(std::vector<Descriptor>& idle) {
    const std::lock_guard locked{lock_};
    if (std::exchange(used_, false)) return;
    for (Positioned& one : waiting_) idle.push_back(std::move(one.descriptor));
    waiting_.clear();
}

}  // namespace berth::vfs::posix
