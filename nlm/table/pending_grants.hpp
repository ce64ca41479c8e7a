// The grants that clients have not answered yet, and what a refusal of each would undo. Locks
// itself, never for long.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>

#include <boost/thread/synchronized_value.hpp>

#include "nlm/owner.hpp"
#include "nlm/table/locked_file.hpp"

namespace berth::nlm {

/// A lock that a waiter has got, and must be told of.
struct Grant {
    std::uint64_t id = 0;  ///< never reused
    LockRequest request;
    ReturnPath path;
};

class PendingGrants {
public:
    PendingGrants();

    /// Assigns an id to the grant.
    Grant add(const LockedFile::Served& served);
    /// The owner has locked or unlocked a range of `file`: a refusal no longer undoes that part. If
    /// the owner no longer has all of a granted lock, it is not told of the grant.
    void changed(const LockedFile& file, const LockRequest& request);
    /// The owner's calls show that it knows of the lock.
    void forget(const LockRequest& request);
    void forget(const FileKey& key, const IsMeant& is_meant);

    void acknowledge(std::uint64_t id, const rpc::Address& from, bool from_reserved_port);
    /// Empty: not pending, or the call may not answer for it.
    [[nodiscard]] std::optional<FileKey> file_of(std::uint64_t id, const rpc::Address& from,
                                                 bool from_reserved_port) const;
    struct Refused {
        Owner owner;
        vfs::LockedRanges undone;
        vfs::LockedRanges before;
        int times_told = 0;
    };
    /// Empty: no longer pending.
    std::optional<Refused> take(std::uint64_t id);

    [[nodiscard]] bool contains(std::uint64_t id) const;
    void telling(std::uint64_t id);
    void not_told(std::uint64_t id);
    [[nodiscard]] std::size_t size() const;

private:
    struct Pending {
        Grant grant;
        vfs::LockedRanges undone;  ///< by a refusal
        vfs::LockedRanges before;
        int times_told = 0;
    };
    struct Grants {
        std::map<std::uint64_t, Pending> pending;
        std::uint64_t last_id = 0;
    };
    static bool is_believed(const Pending& pending, const rpc::Address& from,
                            bool from_reserved_port);

    boost::synchronized_value<Grants, std::mutex> grants_;
};

}  // namespace berth::nlm
