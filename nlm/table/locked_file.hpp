// One file with locks: who holds what on it, and who waits, in the order of asking. Every lock here
// is held on the file itself too. Not locked by itself: the table does that.
#pragma once

#include <cstddef>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "nfs/vfs/file_system.hpp"
#include "nlm/owner.hpp"

namespace berth::nlm {

/// Opens the file for an owner who has nothing on it yet, or says why not.
using OpenLocks = std::function<vfs::Result<std::unique_ptr<vfs::FileLocks>>()>;

class LockedFile {
public:
    /// What one owner has.
    struct Holding {
        std::unique_ptr<vfs::FileLocks> locks;
        vfs::LockedRanges ranges;
        std::size_t waits = 0;
        std::int32_t state = 0;           ///< of the client, as of the newest of its locks here
        bool from_reserved_port = false;  ///< some of it was asked for from one
    };
    struct Waiter {
        LockRequest request;
        ReturnPath path;
    };
    /// A waiter that has its lock now, and what it had in that range before.
    struct Served {
        Waiter waiter;
        vfs::LockedRanges before;
    };
    /// What something would add.
    struct Growth {
        std::ptrdiff_t ranges = 0;
        std::size_t open_files = 0;
    };
    /// Whether so much more of a host is not too much.
    using HasRoom = std::function<bool(const Host&, const Growth&)>;
    /// Somebody else's lock that is in the way. Without an owner it is not one of ours.
    struct Obstacle {
        vfs::LockedRange held;
        const Owner* owner = nullptr;  ///< good until the next change
        pid_t process = 0;
    };
    enum class Attempt : std::uint8_t { granted, refused };

    /// `in_turn`: not past somebody who has been waiting for what this would take.
    vfs::Result<Attempt> lock(const LockRequest& request, const OpenLocks& open, bool in_turn);
    vfs::Result<std::optional<Obstacle>> test(const LockRequest& request, const OpenLocks& open);
    vfs::Result<void> unlock(const Owner& owner, const vfs::ByteRange& range);
    /// Undoes a lock that was granted, as far as `undone` goes: what the owner had
    /// there `before` it keeps, as far as it still has as much. Without room for the pieces nothing
    /// changes: no_lock_available.
    vfs::Result<void> restore(const Owner& owner, const vfs::LockedRanges& undone,
                              const vfs::LockedRanges& before, const HasRoom& has_room);
    [[nodiscard]] Growth growth_by_lock(const LockRequest& request) const;
    [[nodiscard]] Growth growth_by_unlock(const Owner& owner, const vfs::ByteRange& range) const;

    /// The same request that waits already, or nullptr.
    [[nodiscard]] Waiter* find_waiter(const LockRequest& request);
    /// After a refused lock().
    void wait(const LockRequest& request, const ReturnPath& path);
    /// False: no such request waits.
    bool stop_waiting(const LockRequest& request);
    /// These locks and waits are gone. Gives how many locks that were.
    std::size_t free(const IsMeant& is_meant);

    /// Gives waiters what they can have now, first come first served. Who has no room for it waits
    /// on, as for a lock that is not ours.
    std::vector<Served> serve(const HasRoom& has_room);
    /// Whether the last serve() or lock() met a lock that is not ours: then only trying again shows
    /// when it is gone.
    [[nodiscard]] bool is_contended() const noexcept { return is_contended_ && !waiters_.empty(); }

    /// Whether what this owner has and waits for may change by a call from such a port.
    [[nodiscard]] bool may_change(const Owner& owner, bool from_reserved_port) const;

    /// Whether the owner has all of it, in this way or a stronger one.
    [[nodiscard]] bool holds(const Owner& owner, const vfs::LockedRange& what) const;

    [[nodiscard]] const std::map<Owner, Holding>& holdings() const noexcept { return holdings_; }
    [[nodiscard]] const std::list<Waiter>& waiters() const noexcept { return waiters_; }
    [[nodiscard]] bool empty() const noexcept { return holdings_.empty(); }

private:
    using Holdings = std::map<Owner, Holding>;

    vfs::Result<Holdings::iterator> holding_of(const Owner& owner, const OpenLocks& open);
    void drop_if_unused(Holdings::iterator holding);
    [[nodiscard]] std::optional<Obstacle> obstacle(const LockRequest& request) const;
    [[nodiscard]] bool is_behind(const LockRequest& request, const LockRequest& earlier) const;
    void serve_once(const HasRoom& has_room, std::vector<Served>& served);
    vfs::Result<Attempt> take(Holding& holding, const LockRequest& request);

    Holdings holdings_;
    std::list<Waiter> waiters_;
    bool is_contended_ = false;
};

}  // namespace berth::nlm
