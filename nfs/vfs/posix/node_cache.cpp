#include "nfs/vfs/posix/node_cache.hpp"

#include <algorithm>
#include <iterator>

#include "nfs/vfs/posix/node.hpp"

namespace berth::vfs::posix {
namespace {

constexpr std::size_t shards_max = 32;
constexpr std::size_t shard_nodes_min =
    64;  // fewer, and chance would fill one shard long before the others

std::size_t shards_for(std::size_t nodes_max) {
    return std::clamp<std::size_t>(nodes_max / shard_nodes_min, 1, shards_max);
}

// Looking further than this for a node to evict would take longer than the call that needs the
// room.
constexpr int tries_max = 32;

}  // namespace

NodeCache::NodeCache(std::size_t nodes_max)
    : shard_nodes_max_(std::max<std::size_t>(1, nodes_max / shards_for(nodes_max))),
      shards_(shards_for(nodes_max)) {}

NodeCache::~NodeCache() = default;

NodeCache::Shard& NodeCache::shard_of(const ObjectId& id) {
    // Not the bits by which the shard's own table spreads.
    return shards_[(IdHash{}(id) >> 32) % shards_.size()];
}

Pin NodeCache::find(const ObjectId& id) {
    Shard& shard = shard_of(id);
    const std::lock_guard locked{shard.lock};
    const auto found = shard.by_id.find(id);
    if (found == shard.by_id.end()) return nullptr;
    const Pin& node = *found->second;
    node->mark_used();
    return node;
}

Pin NodeCache::insert(Pin fresh, Wait wait) {
    Shard& shard = shard_of(fresh->object_id());
    std::vector<Pin> closing;  // after the lock is let go
    const std::lock_guard locked{shard.lock};
    if (const auto found = shard.by_id.find(fresh->object_id()); found != shard.by_id.end()) {
        return *found->second;
    }
    if (wait == Wait::yes) {
        closing.swap(shard.evicted);
        make_room(shard, closing);
    } else {
        const auto all = shard.nodes.size() + shard.evicted.size();
        if (all > shard_nodes_max_ + shard_nodes_max_ / 4) return nullptr;
        make_room(shard, shard.evicted);
    }
    shard.nodes.push_back(fresh);
    shard.by_id.emplace(fresh->object_id(), std::prev(shard.nodes.end()));
    return fresh;
}

void NodeCache::make_room(Shard& shard, std::vector<Pin>& evicted) const {
    // More than one goes when held nodes, which are bounded by the calls in flight, had made the
    // shard grow beyond its share.
    for (int tries = 0; tries < tries_max && shard.nodes.size() >= shard_nodes_max_; ++tries) {
        const Pin& oldest = shard.nodes.front();
        if (oldest->take_used() || oldest->pins() > 1) {
            shard.nodes.splice(shard.nodes.end(), shard.nodes, shard.nodes.begin());
            continue;
        }
        shard.by_id.erase(oldest->object_id());
        evicted.push_back(std::move(shard.nodes.front()));
        shard.nodes.pop_front();
    }
}

void NodeCache::erase(const ObjectId& id) {
    Shard& shard = shard_of(id);
    Pin erased;
    const std::lock_guard locked{shard.lock};
    const auto found = shard.by_id.find(id);
    if (found == shard.by_id.end()) return;
    erased = std::move(*found->second);
    shard.nodes.erase(found->second);
    shard.by_id.erase(found);
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
        // Nobody else holds it, and nobody can while the shard is locked.
        if (is_cached && here[at]->pins() == 2) here[at]->take_idle(stand_ins[at], idle);
    }
}

std::size_t NodeCache::size() const {
    std::size_t all = 0;
    for (const Shard& shard : shards_) {
        const std::lock_guard locked{shard.lock};
        all += shard.nodes.size();
    }
    return all;
}

}  // namespace berth::vfs::posix
