// One file with locks: its holders, and its waiters in the order in which they asked. Every lock
// here is also held on the file itself. Does not lock itself: the table does that.
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

/// Opens the file for an owner that has nothing on it yet, or returns the error.
using OpenLocks = std::function<vfs::Result<std::unique_ptr<vfs::FileLocks>>()>;

class LockedFile {
public:
    /// The locks of one owner.
    struct Holding {
        std::unique_ptr<vfs::FileLocks> locks;
        vfs::LockedRanges ranges;
        std::size_t waits = 0;
        std::int32_t state = 0;           ///< the client's, from its newest lock here
        bool from_reserved_port = false;  ///< part of it was requested from one
    };
    struct Waiter {
        LockRequest request;
        ReturnPath path;
    };
    /// A waiter that now has its lock, and what it had in that range before.
    struct Served {
        Waiter waiter;
        vfs::LockedRanges before;
    };
    /// The growth that an operation would cause.
    struct Growth {
        std::ptrdiff_t ranges = 0;
        std::size_t open_files = 0;
    };
    /// Whether the host may have this much more.
    using HasRoom = std::function<bool(const Host&, const Growth&)>;
    /// Another owner's lock that is in the way. Without an owner, it is not one of ours.
    struct Obstacle {
        vfs::LockedRange held;
        const Owner* owner = nullptr;  ///< valid until the next change
        pid_t process = 0;
    };
    enum class Attempt : std::uint8_t { granted, refused };

    /// `in_turn`: does not overtake a waiter that has been waiting for what this would take.
    vfs::Result<Attempt> lock(const LockRequest& request, const OpenLocks& open, bool in_turn);
    vfs::Result<std::optional<Obstacle>> test(const LockRequest& request, const OpenLocks& open);
    vfs::Result<void> unlock(const Owner& owner, const vfs::ByteRange& range);
    /// Undoes a granted lock within `undone`: the owner keeps what it had there `before`, as far as
    /// it still has as much. If there is no room for the pieces, nothing changes:
    /// no_lock_available.
    vfs::Result<void> restore(const Owner& owner, const vfs::LockedRanges& undone,
                              const vfs::LockedRanges& before, const HasRoom& has_room);
    [[nodiscard]] Growth growth_by_lock(const LockRequest& request) const;
    [[nodiscard]] Growth growth_by_unlock(const Owner& owner, const vfs::ByteRange& range) const;

    /// The waiter with the same request, or nullptr.
    [[nodiscard]] Waiter* find_waiter(const LockRequest& request);
    /// To be called after a refused lock().
    void wait(const LockRequest& request, const ReturnPath& path);
    /// False: no such request waits.
    bool stop_waiting(const LockRequest& request);
    /// Frees the selected locks and waits. Returns how many locks there were.
    std::size_t free(const IsMeant& is_meant);

    /// Gives waiters what they can have now, in order, and adds them to `served`, also if it throws
    /// afterwards. A waiter without room for its lock stays, as for a lock that is not ours.
    void serve(const HasRoom& has_room, std::vector<Served>& served);
    /// Whether the last serve() or lock() met a lock that is not ours: only a retry can show when
    /// that has gone.
    [[nodiscard]] bool is_contended() const noexcept { return is_contended_ && !waiters_.empty(); }

    /// Whether a call from such a port may change this owner's locks and waits.
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
