// All locks and shares of all clients, and who waits for one. The truth about a lock is on the file
// itself; here is whose it is. Locks itself, briefly; a file is visited by one at a time while the
// file system is asked. So a file that hangs holds up those who lock, test or unlock it, and nobody
// else: who frees, refuses or tries again leaves word with its visitor and goes on.
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

/// What would grow past any of them is answered "no locks", an unlock that splits a range too.
struct LockLimits {
    std::size_t client_locks_max = 8192;  ///< ranges and shares of one host
    std::size_t locks_max = 65536;
    std::size_t client_waiters_max = 1024;
    std::size_t waiters_max = 4096;      ///< those count too whose grant is not acknowledged
    std::size_t open_files_max = 16384;  ///< each owner has one for each file it locks
};

/// SHARE's arguments: what the opener wants to do, and what nobody else may. Bits: 1 read, 2 write.
struct Share {
    Owner owner;  ///< without svid
    std::uint32_t mode = 0;
    std::uint32_t access = 0;
    std::int32_t state = 0;           ///< as LockRequest's
    bool from_reserved_port = false;  ///< so too
};

class LockTable;

/// What the table tells, without any of its locks held.
class LockEvents {
public:
    LockEvents() = default;
    LockEvents(const LockEvents&) = delete;
    LockEvents& operator=(const LockEvents&) = delete;
    virtual ~LockEvents() = default;
    /// Once for each waiter that got its lock. Until the grant is acknowledged, refused or out of
    /// date, is_pending() says so.
    virtual void granted(LockTable& table, const Grant& grant) = 0;
    /// Somebody waits for a lock that is not ours: retry() is to be called until it gives false.
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

    /// `if_blocked`: the caller waits when it can't have the lock at once; the same request again
    /// is one wait. Errors are those of opening the file and of locking it.
    vfs::Result<Answer> lock(const LockRequest& request, const OpenLocks& open,
                             const ReturnPath* if_blocked = nullptr);

    struct Holder {
        vfs::LockedRange held;
        std::int32_t svid = 0;  ///< of a local process its id, or 0
        std::string owner_handle;
    };
    /// Who is in the way of this lock, if anybody.
    vfs::Result<std::optional<Holder>> test(const LockRequest& request, const OpenLocks& open);

    /// What is not locked need not be. Ends waiting for the same range too. no_lock_available: it
    /// would split a range, and there is no room for one more; or the owner has something here that
    /// was asked for from a reserved port, and this was not.
    vfs::Result<void> unlock(const LockRequest& request);
    /// False: nothing to cancel, because the lock has been granted or was never asked for, or it
    /// was from a reserved port and this is not. A granted lock stays, to be unlocked, and is not
    /// told of again.
    bool cancel(const LockRequest& request);

    /// The same opener again: the new share stands for the old one.
    Answer share(const FileKey& key, const Share& share);
    /// False: it was taken from a reserved port, and this comes from another.
    bool unshare(const FileKey& key, const Owner& owner, bool from_reserved_port);

    /// Frees what is meant of what is held and waited for. Gives how many locks and shares that
    /// were, without those of a file that hangs: they go as soon as it answers. `is_meant` is kept
    /// until then.
    std::size_t free(const IsMeant& is_meant);

    /// The client has taken the lock granted under this id. An id is believed only from the address
    /// of the client, and from a reserved port if the lock was asked for from one; unknown ones do
    /// nothing. What answers a call to the client needs no such port.
    void acknowledge(std::uint64_t id, const rpc::Address& from, bool from_reserved_port = true) {
        pending_.acknowledge(id, from, from_reserved_port);
    }
    /// The client does not want it: what it had before is restored, and the next one is served. But
    /// if it has been told more than once, it may have taken the lock the first time and know
    /// nothing of a wait any more: then the lock stays its own, to be unlocked.
    void refuse(std::uint64_t id, const rpc::Address& from, bool from_reserved_port = true);
    [[nodiscard]] bool is_pending(std::uint64_t id) const { return pending_.contains(id); }
    /// The client is about to be told; and: it surely was not.
    void telling(std::uint64_t id) { pending_.telling(id); }
    void not_told(std::uint64_t id) { pending_.not_told(id); }

    /// Serves those who wait for locks that are not ours, if these are gone, or for room. True:
    /// some wait on.
    bool retry();

    /// Every host that holds a lock or a share, or waits.
    [[nodiscard]] std::vector<Host> hosts() const;

    /// Of how many files something is known.
    [[nodiscard]] std::size_t file_count() const;

    /// For people.
    struct Shown {
        /// busy: a file does not answer; of each host on it only this is known.
        enum class What : std::uint8_t { lock, wait, share, busy };
        std::string file;
        What what = What::lock;
        Owner owner;
        vfs::LockedRange range;
        Share share;
    };
    /// Waits up to a second for files that are visited.
    [[nodiscard]] std::vector<Shown> all();

private:
    struct File;
    class Visit;
    using Errand = std::function<void(Visit&)>;
    struct Use {
        std::size_t locks = 0;  ///< and shares
        std::size_t waits = 0;
        std::size_t open_files = 0;
        bool operator==(const Use&) const = default;
    };
    using Uses = std::map<Host, Use>;

    File& enter(const FileKey& key);
    /// nullptr: nothing is known of the file, or another visits it until then.
    File* enter_known(const FileKey& key,
                      const std::chrono::steady_clock::time_point* until = nullptr);
    /// Whether it is newly contended; none: errands are left to do.
    std::optional<bool> leave(File& file, Uses now);
    /// To be done now, or by who visits the file.
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
    mutable std::mutex lock_;
    std::map<FileKey, std::unique_ptr<File>> files_;
    std::set<FileKey> contended_;
    Uses uses_;
    Use total_;
    ToldOnce refused_;  // at a ceiling
};

}  // namespace berth::nlm
