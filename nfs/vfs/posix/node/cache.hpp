// The nodes kept open between calls, found by id. Bounded: nodes not used lately go first, but
// never one that somebody holds, so an object has at most one node. Split by hash; a hit takes one
// lock briefly.
#pragma once

#include <atomic>
#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <vector>

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/unordered/unordered_flat_map.hpp>

#include "nfs/vfs/posix/node/open_files.hpp"
#include "nfs/vfs/posix/system/id_hash.hpp"
#include "nfs/vfs/types.hpp"

namespace berth::vfs::posix {

class Node;
using Pin = boost::intrusive_ptr<Node>;

class NodeCache {
public:
    /// `open_files`: the limit shared with other trees' caches.
    NodeCache(std::size_t nodes_max, std::shared_ptr<OpenFiles> open_files);
    NodeCache(const NodeCache&) = delete;
    NodeCache& operator=(const NodeCache&) = delete;
    ~NodeCache();

    /// Null if it is not in the cache.
    Pin find(const ObjectId& id);

    /// The node to use for this object: `fresh`, or one that another thread has inserted meanwhile.
    /// Null, only with Patience::none, if room could only be made by closing something. That takes
    /// time when it starts writing out a file or frees the space of a deleted one.
    Pin insert(Pin fresh, Patience patience);

    /// Removes the node from the cache; its holders keep it.
    void erase(const ObjectId& id);

    /// Releases deleted objects, and descriptors that keep others from using a file.
    void sweep();

    [[nodiscard]] std::size_t size() const noexcept {
        return size_.load(std::memory_order_relaxed);
    }

    // --- for OpenFiles

    /// Keeps the cache and its tree alive.
    [[nodiscard]] std::shared_lock<std::shared_mutex> visit() {
        return std::shared_lock{visiting_};
    }
    /// Releases up to `count` nodes that nobody holds, the least recently used first; returns how
    /// many.
    std::size_t evict(std::size_t count);

private:
    /// An id to look up: one hash for the shard and for its table.
    struct Hashed {
        explicit Hashed(const ObjectId& of) noexcept : id(of), hash(IdHash{}(of)) {}
        const ObjectId& id;
        const std::size_t hash;
    };
    struct HashOf : IdHash {
        using is_transparent = void;
        using IdHash::operator();
        std::size_t operator()(const Hashed& id) const noexcept { return id.hash; }
    };
    struct SameId {
        using is_transparent = void;
        bool operator()(const ObjectId& a, const ObjectId& b) const noexcept { return a == b; }
        bool operator()(const Hashed& a, const ObjectId& b) const noexcept { return a.id == b; }
        bool operator()(const ObjectId& a, const Hashed& b) const noexcept { return a == b.id; }
    };

    struct Shard {
        mutable std::mutex lock;
        // Guarded by lock:
        std::list<Pin>
            nodes;  ///< second chance: the front goes next unless it was used since it got there
        std::vector<Pin> evicted;  ///< by threads that may not wait; closed by threads that may
        boost::unordered_flat_map<ObjectId, std::list<Pin>::iterator, HashOf, SameId> by_id;
    };

    Shard& shard_of(const Hashed& id);
    void make_room(Shard& shard, std::vector<Pin>& evicted);
    void sweep(Shard& shard);
    void take_evictable(Shard& shard, std::size_t count, std::vector<Pin>& evicted);
    void count(std::ptrdiff_t change) noexcept;

    const std::shared_ptr<OpenFiles> open_files_;
    std::size_t shard_nodes_max_;
    std::vector<Shard> shards_;
    std::atomic<std::size_t> size_{0};
    std::atomic<std::size_t> next_to_evict_{0};  // index of a shard
    std::shared_mutex visiting_;
};

}  // namespace berth::vfs::posix
