// The state that all objects of one tree share: lock, clock, budgets and the table of inodes.
#pragma once

#include <cstdint>
#include <limits>
#include <shared_mutex>
#include <unordered_map>

#include <boost/smart_ptr/intrusive_ptr.hpp>

#include "nfs/vfs/file_system.hpp"
#include "nfs/vfs/memory.hpp"
#include "nfs/vfs/memory/capacity.hpp"
#include "nfs/vfs/memory/inode.hpp"
#include "nfs/vfs/types.hpp"

namespace berth::vfs::memory {

class Node;

/// The remains of a removed object. It is made before the lock is taken, and therefore destroyed
/// after the lock is released: freeing a large file must not hold up other calls.
struct Remains {
    NodePtr node;
    Body body;
};

/// Every member function except lock(), limits() and name() needs the lock: exclusive if the
/// function changes anything.
class Volume {
public:
    static constexpr std::uint64_t file_bytes_max = std::numeric_limits<std::int64_t>::max();

    explicit Volume(Options options);
    Volume(const Volume&) = delete;
    Volume& operator=(const Volume&) = delete;
    ~Volume();

    [[nodiscard]] std::shared_mutex& lock() { return lock_; }
    [[nodiscard]] Capacity& bytes() { return bytes_; }
    [[nodiscard]] const Capacity& files() const { return files_; }
    [[nodiscard]] bool protects_hard_links() const { return options_.protect_hard_links; }
    [[nodiscard]] Limits limits() const;

    /// Later than any time that it returned before.
    [[nodiscard]] Time now();

    /// Numbers the inode and puts it into the table. nullptr if there are too many files. If memory
    /// runs out, it throws and adds nothing.
    [[nodiscard]] Node* add(Inode inode);

    /// nullptr if there is none (any more).
    [[nodiscard]] Node* find(std::uint64_t fileid) const;
    /// A name of the object, by a search of the whole tree.
    [[nodiscard]] Inode::Named name_of(const Node& node) const;

    /// Removes an object without links from the table, and releases its space.
    void bury(Node& node, Remains& remains);

    /// Converts an inode number to an object id and back: stale if the id is from another
    /// generation, invalid_argument if the bytes were never an id.
    [[nodiscard]] ObjectId name(std::uint64_t fileid) const;
    [[nodiscard]] Result<Node*> find(const ObjectId& id) const;

private:
    const Options options_;
    std::shared_mutex lock_;
    Capacity bytes_;
    Capacity files_;
    Time last_time_;
    std::uint64_t last_fileid_ = 0;
    std::unordered_map<std::uint64_t, boost::intrusive_ptr<Node>> nodes_;
};

}  // namespace berth::vfs::memory
