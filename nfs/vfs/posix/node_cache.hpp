// The nodes kept open between calls, found by id. Bounded: those not asked for lately go first,
// never one that somebody holds, so that an object has at most one node. Split by hash; a hit takes
// one lock briefly.
#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include <boost/smart_ptr/intrusive_ptr.hpp>

#include "nfs/vfs/posix/id_hash.hpp"
#include "nfs/vfs/types.hpp"

namespace berth::vfs::posix {

class Node;
using Pin = boost::intrusive_ptr<Node>;

class NodeCache {
public:
    explicit NodeCache(std::size_t nodes_max);
    NodeCache(const NodeCache&) = delete;
    NodeCache& operator=(const NodeCache&) = delete;
    ~NodeCache();

    /// Null when it is not here.
    Pin find(const ObjectId& id);

    /// The node to use for this object: the new one, or one that another thread has brought
    /// meanwhile. Null, only with Wait::no, when there is no room but by closing something, which
    /// takes time when it starts a file's being written out or frees a deleted one's space.
    Pin insert(Pin fresh, Wait wait);

    /// Lets go of it; holders keep it.
    void erase(const ObjectId& id);

    /// Lets go of deleted objects and of descriptors that keep others from what they want.
    void sweep();

    [[nodiscard]] std::size_t size() const;

private:
    struct Shard {
        mutable std::mutex lock;
        std::list<Pin>
            nodes;  ///< second chance: the front goes next unless used since it got there
        std::vector<Pin> evicted;  ///< by who may not wait; closed by who may
        std::unordered_map<ObjectId, std::list<Pin>::iterator, IdHash> by_id;
    };

    Shard& shard_of(const ObjectId& id);
    void make_room(Shard& shard, std::vector<Pin>& evicted) const;
    void sweep(Shard& shard);

    std::size_t shard_nodes_max_;
    std::vector<Shard> shards_;
};

}  // namespace berth::vfs::posix
