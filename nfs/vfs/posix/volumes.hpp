// State that belongs to the kernel's file systems and objects, whichever exports they are reached
// by: the lock that makes pairs of attributes atomic, the group that shares syncs, the count of
// losses. Made once per process and given to every tree in it. Locks itself; any thread.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <utility>

#include <boost/thread/synchronized_value.hpp>

#include "nfs/vfs/posix/system/group_sync.hpp"
#include "nfs/vfs/posix/system/id_hash.hpp"
#include "nfs/vfs/types.hpp"

namespace berth::vfs::posix {

/// One mounted file system.
class Volume {
    struct Shared {
        std::mutex change_lock;
        GroupSync group;
        std::size_t uses = 0;  // guarded by the lock of its shard
    };
    using Shard =
        boost::synchronized_value<std::unordered_map<ObjectId, Shared, IdHash>, std::mutex>;

public:
    Volume() = default;
    Volume(const Volume&) = delete;
    Volume& operator=(const Volume&) = delete;

    /// The state that all holders of the same object share; exists for as long as one of them does.
    class Object {
    public:
        Object(std::shared_ptr<Volume> volume, const ObjectId& mark);
        Object(const Object&) = delete;
        Object& operator=(const Object&) = delete;
        ~Object();

        [[nodiscard]] std::mutex& change_lock() const noexcept {
            return shared_->second.change_lock;
        }
        [[nodiscard]] GroupSync& group() const noexcept { return shared_->second.group; }

    private:
        const std::shared_ptr<Volume> volume_;
        Shard& shard_;
        std::pair<const ObjectId, Shared>* shared_;
    };

    /// Unique while this volume exists.
    [[nodiscard]] std::uint64_t number() const noexcept {
        return reinterpret_cast<std::uintptr_t>(this);
    }
    [[nodiscard]] std::uint64_t losses() const noexcept { return losses_.load(); }
    void count_loss() noexcept { losses_.fetch_add(1); }

private:
    Shard& shard_of(const ObjectId& mark);

    static constexpr std::size_t shards = 64;

    std::atomic<std::uint64_t> losses_{0};
    std::array<Shard, shards> shards_;
};

class Volumes {
public:
    Volumes() = default;
    Volumes(const Volumes&) = delete;
    Volumes& operator=(const Volumes&) = delete;

    /// The volume that the open directory is on.
    [[nodiscard]] std::shared_ptr<Volume> of(int directory);

private:
    using ByDevice = std::map<std::pair<unsigned, unsigned>, std::weak_ptr<Volume>>;

    boost::synchronized_value<ByDevice, std::mutex> by_device_;
};

}  // namespace berth::vfs::posix
