#include "nfs/vfs/posix/node/cache.hpp"

#include <algorithm>
#include <list>

#include "nfs/vfs/posix/node/node.hpp"

namespace berth::vfs::posix {
namespace {

constexpr std::size_t shards_max = 32;
constexpr std::size_t shard_nodes_min =
    64;  // with fewer, chance would fill one shard long before the others

std::size_t shards_for(std::size_t nodes_max) {
    return std::clamp<std::size_t>(nodes_max / shard_nodes_min, 1, shards_max);
}

// Looking at more nodes than this for one to evict would take longer than the call that needs the
// room.
constexpr int victims_max = 32;

}  // namespace

NodeCache::NodeCache(std::size_t nodes_max, std::shared_ptr<OpenFiles> open_files)
    : open_files_(std::move(open_files)),
      shard_nodes_max_(std::max<std::size_t>(1, nodes_max / shards_for(nodes_max))),
      shards_(shards_for(nodes_max)) {
    open_files_->enter(*this);
}

NodeCache::~NodeCache() {
    open_files_->leave(*this);
    const std::lock_guard until_visitors_have_left{visiting_};
    count(-static_cast<std::ptrdiff_t>(size()));
}

void NodeCache::count(std::ptrdiff_t change) noexcept {
    size_.fetch_add(static_cast<std::size_t>(change), std::memory_order_relaxed);
    open_files_->count(change);
}

NodeCache::Shard& NodeCache::shard_of(const Hashed& id) {
    // These are not the bits that the shard's own table uses.
    return shards_[(id.hash >> 16 & 0xFFFFU) % shards_.size()];
}

Pin NodeCache::find(const ObjectId& id) {
    const Hashed hashed{id};
    Shard& shard = shard_of(hashed);
    const std::lock_guard locked{shard.lock};
    const auto found = shard.by_id.find(hashed);
    if (found == shard.by_id.end()) return nullptr;
    const Pin& node = *found->second;
    node->mark_used();
    return node;
}

Pin NodeCache::insert(Pin fresh, Patience patience) {
    if (patience != Patience::none && open_files_->is_full())
        open_files_->make_room();
    else if (patience == Patience::none && open_files_->is_overfull())
        return nullptr;
    const Hashed hashed{fresh->object_id()};
    Shard& shard = shard_of(hashed);
    std::vector<Pin> closing;  // released after the lock
    const std::lock_guard locked{shard.lock};
    if (const auto found = shard.by_id.find(hashed); found != shard.by_id.end()) {
        return *found->second;
    }
    if (patience != Patience::none) {
        closing.swap(shard.evicted);
        make_room(shard, closing);
    } else {
        const auto all = shard.nodes.size() + shard.evicted.size();
        if (all > shard_nodes_max_ + shard_nodes_max_ / 4) return nullptr;
        make_room(shard, shard.evicted);
    }
    std::list<Pin> own{fresh};  // without memory the node is in neither of the two
    shard.by_id.emplace(fresh->object_id(), own.begin());
    shard.nodes.splice(shard.nodes.end(), own);
    count(1);
    return fresh;
}

// More than one node is evicted after held nodes, which calls in flight bound, had made the shard
// grow beyond its share.
void NodeCache::make_room(Shard& shard, std::vector<Pin>& evicted) {
    if (shard.nodes.size() < shard_nodes_max_) return;
    take_evictable(shard, shard.nodes.size() - shard_nodes_max_ + 1, evicted);
}

void NodeCache::take_evictable(Shard& shard, std::size_t count, std::vector<Pin>& evicted) {
    for (int tries = 0; tries < victims_max && count > 0 && !shard.nodes.empty(); ++tries) {
        const Pin& oldest = shard.nodes.front();
        if (oldest->take_used() || oldest->pins() > 1) {
            shard.nodes.splice(shard.nodes.end(), shard.nodes, shard.nodes.begin());
            continue;
        }
        evicted.push_back(oldest);
        shard.by_id.erase(oldest->object_id());
        shard.nodes.pop_front();
        this->count(-1);
        --count;
    }
}

std::size_t NodeCache::evict(std::size_t count) {
    std::vector<Pin> closing;  // released after the locks
    // Twice, because the first look may only find that all nodes have been used.
    for (std::size_t looks = 0; looks < 2 * shards_.size() && closing.size() < count; ++looks) {
        Shard& shard = shards_[next_to_evict_.fetch_add(1) % shards_.size()];
        const std::lock_guard locked{shard.lock};
        for (auto& one : shard.evicted) closing.push_back(std::move(one));
        shard.evicted.clear();
        take_evictable(shard, count - std::min(count, closing.size()), closing);
    }
    return closing.size();
}

void NodeCache::erase(const ObjectId& id) {
    const Hashed hashed{id};
    Shard& shard = shard_of(hashed);
    Pin erased;
    const std::lock_guard locked{shard.lock};
    const auto found = shard.by_id.find(hashed);
    if (found == shard.by_id.end()) return;
    erased = std::move(*found->second);
    shard.nodes.erase(found->second);
    shard.by_id.erase(found);
    count(-1);
}

void NodeCache::sweep() {
    for (Shard& shard : shards_) sweep(shard);
}

void NodeCache::sweep(Shard& shard) {
    std::vector<Pin> closing;
    std::vector<Pin> here;
    {
        const std::lock_guard locked{shard.lock};
        closing.swap(shard.evicted);
        if (shard.nodes.size() > shard_nodes_max_) make_room(shard, closing);
        here.assign(shard.nodes.begin(), shard.nodes.end());
    }
    std::vector<Descriptor> stand_ins;
    for (const Pin& node : here) {
        stand_ins.push_back(node->stand_in());
        if (node->is_known_deleted()) erase(node->object_id());
    }
    std::vector<Descriptor> idle;
    const std::lock_guard locked{shard.lock};
    for (std::size_t at = 0; at < here.size(); ++at) {
        const auto found = shard.by_id.find(here[at]->object_id());
        const bool is_cached = found != shard.by_id.end() && *found->second == here[at];
        // Nobody else holds it, and nobody can get it while the shard is locked.
        if (is_cached && here[at]->pins() == 2) here[at]->take_idle(stand_ins[at], idle);
    }
}

}  // namespace berth::vfs::posix
