// All locks and shares of all clients, and who waits for one. The truth about a lock is on the file
// itself; here is whose it is. Locks itself: the table briefly, one file while the file system is
// asked, so that a file that hangs holds up nobody but those who lock it.
#pragma once

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

namespace berth::nlm {

/// Past any of them the answer is "no locks".
struct LockLimits {
    std::size_t client_locks_max = 8192;  ///< ranges and shares of one host
    std::size_t locks_max = 65536;
    std::size_t client_waiters_max = 1024;
    std::size_t waiters_max = 4096;      ///< those count too whose grant is not acknowledged
    std::size_t open_files_max = 16384;  ///< each owner has one for each file it locks
};

/// A lock that a waiter has got and is to be told of.
struct Grant {
    std::uint64_t id = 0;  ///< never used again
    LockRequest request;
    ReturnPath path;
};

/// SHARE's arguments: what the opener wants to do, and what nobody else may. Bits: 1 read, 2 write.
struct Share {
    Owner owner;  ///< without svid
    std::uint32_t mode = 0;
    std::uint32_t access = 0;
    std::int32_t state = 0;  ///< as LockRequest's
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

    /// What is not locked need not be. Ends waiting for the same range too.
    vfs::Result<void> unlock(const LockRequest& request);
    /// False: nothing to cancel, because the lock has been granted or was never asked for. A
    /// granted lock stays, to be unlocked, and is not told of again.
    bool cancel(const LockRequest& request);

    /// The same opener again: the new share stands for the old one.
    Answer share(const FileKey& key, const Share& share);
    void unshare(const FileKey& key, const Owner& owner);

    /// Frees what is meant of what is held and waited for. Gives how many locks and shares that
    /// were.
    std::size_t free(const IsMeant& is_meant);

    /// The client has taken the lock granted under this id. An id is believed only from the address
    /// of the client; unknown ones do nothing.
    void acknowledge(std::uint64_t id, const rpc::Address& from);
    /// The client does not want it: what it had before is restored, and the next one is served. But
    /// if it has been told more than once, it may have taken the lock the first time and know
    /// nothing of a wait any more: then the lock stays its own, to be unlocked.
    void refuse(std::uint64_t id, const rpc::Address& from);
    [[nodiscard]] bool is_pending(std::uint64_t id) const;
    /// The client is about to be told; and: it surely was not.
    void telling(std::uint64_t id);
    void not_told(std::uint64_t id);

    /// Serves those who wait for locks that are not ours, if these are gone. True: some are not.
    bool retry();

    /// Every host that holds a lock or a share, or waits.
    [[nodiscard]] std::vector<Host> hosts() const;

    /// For people.
    struct Shown {
        enum class What : std::uint8_t { lock, wait, share };
        std::string file;
        What what = What::lock;
        Owner owner;
        vfs::LockedRange range;
        Share share;
    };
    [[nodiscard]] std::vector<Shown> all() const;

private:
    struct File;
    class Visit;
    struct Use {
        std::size_t locks = 0;  ///< and shares
        std::size_t waits = 0;
        std::size_t open_files = 0;
        bool is_told = false;  ///< that it has reached a ceiling
    };
    struct Pending {
        Grant grant;
        std::vector<vfs::LockedRange> before;
        int times_told = 0;
    };

    [[nodiscard]] std::shared_ptr<File> find(const FileKey& key) const;
    std::shared_ptr<File> find_or_add(const FileKey& key);
    [[nodiscard]] std::vector<std::shared_ptr<File>> files() const;
    [[nodiscard]] bool has_room(const Host& host);
    [[nodiscard]] bool has_room_to_wait(const Host& host);
    Answer refuse_for_room(const Host& host, std::string_view what);
    void recount(File& file);
    void forget_pending(const LockRequest& request);

    const LockLimits limits_;
    LockEvents& events_;
    mutable std::mutex lock_;
    std::map<FileKey, std::shared_ptr<File>> files_;
    std::set<FileKey> contended_;
    std::map<Host, Use> uses_;
    Use total_;
    std::map<std::uint64_t, Pending> pending_;
    std::uint64_t last_id_;
};

}  // namespace berth::nlm
