// What all objects of one tree share: the lock, the clock, the budgets and the table of inodes.
#pragma once

#include <cstdint>
#include <limits>
#include <shared_mutex>
#include <unordered_map>

#include "nfs/vfs/file_system.hpp"
#include "nfs/vfs/memory.hpp"
#include "nfs/vfs/memory/budget.hpp"
#include "nfs/vfs/memory/inode.hpp"
#include "nfs/vfs/types.hpp"

namespace berth::vfs::memory {

class Node;

/// What is left of a removed object. Made before the lock is taken and so destroyed after it was
/// released: freeing a large file must not hold up the others.
struct Remains {
    NodePtr node;
    Body body;
};

/// Every member function but lock(), limits() and name() needs the lock: exclusive if it changes
/// something.
class Volume {
public:
    static constexpr std::uint64_t file_bytes_max = std::numeric_limits<std::int64_t>::max();

    explicit Volume(Options options);

    [[nodiscard]] std::shared_mutex& lock() { return lock_; }
    [[nodiscard]] Budget& bytes() { return bytes_; }
    [[nodiscard]] const Budget& files() const { return files_; }
    [[nodiscard]] bool protects_hard_links() const { return options_.protect_hard_links; }
    [[nodiscard]] Limits limits() const;

    /// Later than any time it said before.
    [[nodiscard]] Time now();

    /// Gives the inode its number and puts it into the table. nullptr when there are too many
    /// files.
    [[nodiscard]] Node* add(Inode inode);

    /// nullptr when there is none (any more).
    [[nodiscard]] Node* find(std::uint64_t fileid) const;

    /// Takes an object without links out of the table and gives its space back.
    void bury(Node& node, Remains& remains);

    /// The object id of an inode number, and back: stale when it is of another generation,
    /// invalid_argument when these bytes were never an id.
    [[nodiscard]] ObjectId name(std::uint64_t fileid) const;
    [[nodiscard]] Result<Node*> find(const ObjectId& id) const;

private:
    const Options options_;
    std::shared_mutex lock_;
    Budget bytes_;
    Budget files_;
    Time last_time_;
    std::uint64_t last_fileid_ = 0;
    std::unordered_map<std::uint64_t, NodePtr> nodes_;
};

}  // namespace berth::vfs::memory
