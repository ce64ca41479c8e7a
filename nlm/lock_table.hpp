// All locks, shares and waiters of all clients. The lock itself is on the file; the table knows its
// owner. Locks itself, briefly; one thread at a time visits a file while the file system is asked.
// So a file that hangs holds up only calls that lock, test or unlock it. Threads that free, refuse
// or retry locks leave an errand with the visitor and go on.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "nfs/vfs/result.hpp"
#include "nlm/owner.hpp"
#include "nlm/table/locked_file.hpp"
#include "nlm/table/pending_grants.hpp"
#include "nlm/told_once.hpp"

namespace berth::nlm {

/// A request that would exceed one gets "no locks", even an unlock that would split a range. Of
/// what all clients may have together, an address has at most as much as it leaves free: half if it
/// is alone.
struct LockLimits {
    std::size_t client_locks_max = 8192;  ///< ranges and shares of one host
    std::size_t locks_max = 65536;
    std::size_t client_waiters_max = 1024;
    std::size_t waiters_max = 4096;      ///< includes those with an unacknowledged grant
    std::size_t open_files_max = 16384;  ///< each owner has one for each file that it locks
};

/// SHARE's arguments: what the opener wants to do, and what it denies others. Bits: 1 read, 2
/// write.
struct Share {
    Owner owner;  ///< without svid
    std::uint32_t mode = 0;
    std::uint32_t access = 0;
    std::int32_t state = 0;           ///< as in LockRequest
    bool from_reserved_port = false;  ///< likewise
};

class LockTable;

/// Receives the table's reports; the table holds none of its locks then.
class LockEvents {
public:
    LockEvents() = default;
    LockEvents(const LockEvents&) = delete;
    LockEvents& operator=(const LockEvents&) = delete;
    virtual ~LockEvents() = default;
    /// Called once for each waiter that got its lock. is_pending() is true until the grant is
    /// acknowledged, refused or out of date.
    virtual void granted(LockTable& table, const Grant& grant) = 0;
    /// A waiter waits for a lock that is not ours: call retry() until it returns false.
    virtual void contended() = 0;
};

class LockTable {
public:
    /// `events` outlives the table.
    LockTable(const LockLimits& limits, LockEvents& events);
    LockTable(const LockTable&) = delete;
    LockTable& operator=(const LockTable&) = delete;
    /// Unlocks everything.
    ~LockTable();

    enum class Answer : std::uint8_t { granted, denied, blocked, no_room };

    /// `if_blocked`: if the caller can't have the lock at once, it waits; the same request again is
    /// still one wait. Errors are those of opening the file and of locking it.
    vfs::Result<Answer> lock(const LockRequest& request, const OpenLocks& open,
                             const ReturnPath* if_blocked = nullptr);

    struct Holder {
        vfs::LockedRange held;
        std::int32_t svid = 0;  ///< the id of a local process, or 0
        std::string owner_handle;
    };
    /// The holder that is in the way of this lock, if there is one.
    vfs::Result<std::optional<Holder>> test(const LockRequest& request, const OpenLocks& open);

    /// A range that is not locked is no error. Also ends waiting for the same range.
    /// no_lock_available: the unlock would split a range, and there is no room for one more; or the
    /// owner has something here that it requested from a reserved port, and this request comes from
    /// another.
    vfs::Result<void> unlock(const LockRequest& request);
    /// False: nothing to cancel, because the lock was granted or never requested, or it was
    /// requested from a reserved port and this request comes from another. A granted lock stays
    /// until it is unlocked, and is not reported again.
    bool cancel(const LockRequest& request);

    /// The same opener again: the new share replaces the old one.
    Answer share(const FileKey& key, const Share& share);
    /// False: it was taken from a reserved port, and this request comes from another.
    bool unshare(const FileKey& key, const Owner& owner, bool from_reserved_port);

    /// Frees the locks, shares and waits that `is_meant` selects. Returns how many locks and shares
    /// there were, without those of a file that hangs: they go as soon as it answers. `is_meant` is
    /// kept until then.
    std::size_t free(const IsMeant& is_meant);

    /// The client has accepted the lock granted under this id. Ids are believed only from the
    /// client's address, and from a reserved port if the lock was requested from one; unknown ids
    /// do nothing. Replies to the server's own calls need no such port.
    void acknowledge(std::uint64_t id, const rpc::Address& from, bool from_reserved_port = true) {
        pending_.acknowledge(id, from, from_reserved_port);
    }
    /// The client does not want the lock: what it had before is restored, and the next waiter is
    /// served. But a client that was told more than once may have accepted the lock the first time,
    /// and no longer know of a wait; then it keeps the lock until it unlocks it.
    void refuse(std::uint64_t id, const rpc::Address& from, bool from_reserved_port = true);
    [[nodiscard]] bool is_pending(std::uint64_t id) const { return pending_.contains(id); }
    /// The client is about to be told; and: it was certainly not told.
    void telling(std::uint64_t id) { pending_.telling(id); }
    void not_told(std::uint64_t id) { pending_.not_told(id); }

    /// Serves waiters for locks that are not ours, if those have gone, and waiters for room. True:
    /// some still wait.
    bool retry();

    /// Every host that has a lock, a share or a wait.
    [[nodiscard]] std::vector<Host> hosts() const;

    /// The number of files that the table knows.
    [[nodiscard]] std::size_t file_count() const;

    /// For people.
    struct Shown {
        /// busy: the file does not answer; only its hosts are known.
        enum class What : std::uint8_t { lock, wait, share, busy };
        std::string file;
        What what = What::lock;
        Owner owner;
        vfs::LockedRange range;
        Share share;
    };
    /// Waits up to a second for files that are being visited.
    [[nodiscard]] std::vector<Shown> all();

private:
    struct File;
    class Visit;
    using Errand = std::function<void(Visit&)>;
    struct Use {
        std::size_t locks = 0;  ///< locks and shares
        std::size_t waits = 0;
        std::size_t open_files = 0;
        bool operator==(const Use&) const = default;
    };
    using Uses = std::map<Host, Use>;
    [[nodiscard]] Use use_at(const rpc::Address& address) const;

    File& enter(const FileKey& key);
    /// nullptr: the file is unknown, or another thread visits it until then.
    File* enter_known(const FileKey& key,
                      const std::chrono::steady_clock::time_point* until = nullptr);
    /// Whether it is newly contended; empty: errands are left to do.
    std::optional<bool> leave(File& file, Uses now);
    /// Runs now, or is left to the thread that visits the file.
    void send(const FileKey& key, Errand errand);
    [[nodiscard]] std::vector<FileKey> keys() const;
    static Uses count(const File& file);
    void count(const Host& host, const Use& before, const Use& after);
    void take_back(Visit& file, std::uint64_t id);
    static void show(const File& file, std::vector<Shown>& all);
    void show_busy(const FileKey& key, std::vector<Shown>& all) const;

    [[nodiscard]] bool reserve(File& file, const Host& host, const LockedFile::Growth& growth);
    [[nodiscard]] bool has_room_to_wait(const Host& host);
    Answer refuse_for_room(const Host& host, std::string_view what);

    const LockLimits limits_;
    LockEvents& events_;
    PendingGrants pending_;
    ToldOnce refused_;  // at a limit
    mutable std::mutex lock_;
    // Guarded by lock_:
    std::map<FileKey, std::unique_ptr<File>> files_;
    std::set<FileKey> contended_;
    Uses uses_;
    Use total_;
};

}  // namespace berth::nlm
