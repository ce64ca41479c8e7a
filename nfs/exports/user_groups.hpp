// The groups that users have on the server, for calls that can't name them all: AUTH_SYS has room
// for 16 (RFC 5531 Appendix A). Remembers answers, and asks on threads of its own, because a
// directory service may be slow. Locks itself, never for long.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <list>
#include <memory>
#include <mutex>
#include <span>
#include <stop_token>
#include <unordered_map>
#include <vector>

#include "nfs/exports/group_directory.hpp"
#include "nfs/vfs/result.hpp"
#include "nfs/vfs/types.hpp"
#include "rpc/threads/background.hpp"

namespace berth::exports {

/// The server's knowledge about one user. Immutable.
struct KnownUser {
    bool is_known = false;      ///< whether the server has such a user
    std::vector<gid_t> groups;  ///< ascending, each once, without 0xFFFFFFFF

    [[nodiscard]] std::span<const gid_t> groups_but_root() const noexcept {
        const bool has_root = !groups.empty() && groups.front() == 0;
        return std::span{groups}.subspan(has_root ? 1 : 0);
    }
};
using KnownUserPtr = std::shared_ptr<const KnownUser>;

class UserGroups {
public:
    using Clock = std::chrono::steady_clock;
    struct Limits {
        std::size_t users_max = 4096;  ///< remembered; beyond it the oldest answer is dropped
        std::size_t queue_max = 256;   ///< users to ask about
        /// For as long again an older answer still holds, while the directory is asked once more.
        std::chrono::milliseconds answers_last{300'000};
        std::chrono::milliseconds retry_after{5'000};  ///< if the directory could not be asked
        std::chrono::milliseconds patience{3'000};     ///< of a call that waits
        unsigned waiting_max = 8;                      ///< the most calls that wait at once
        Clock::time_point (*now)() = &Clock::now;
    };

    /// Starts its threads; not for a thread that acts as a client's user, because the new threads
    /// would act as that user too. The directory outlives this.
    UserGroups(GroupDirectory& directory, const Limits& limits);
    UserGroups(const UserGroups&) = delete;
    UserGroups& operator=(const UserGroups&) = delete;
    ~UserGroups();

    /// would_block: the directory must be asked first, and with Patience::ample the attempt failed.
    /// While the directory can't be asked, old answers stay valid.
    [[nodiscard]] vfs::Result<KnownUserPtr> find(uid_t uid, vfs::Patience patience);

private:
    struct Entry {
        uid_t uid = 0;
        KnownUserPtr known;  // nullptr: the directory could not be asked
        Clock::time_point fresh_until;
        Clock::time_point good_until;
    };
    using Entries = std::list<Entry>;

    /// Empty: no known answer was valid at that time. Asks again about old answers.
    [[nodiscard]] const Entry* recall(uid_t uid, Clock::time_point at);
    void enqueue(uid_t uid);
    void remember(uid_t uid, GroupDirectory::Groups groups);
    GroupDirectory::Groups ask(uid_t uid);
    void run(const std::stop_token& stop);

    static constexpr std::size_t threads_max = 4;

    GroupDirectory& directory_;
    const Limits limits_;
    std::condition_variable_any has_work_;
    std::condition_variable has_answer_;
    std::mutex lock_;
    // Guarded by lock_:
    Entries entries_;  // oldest answer first
    std::unordered_map<uid_t, Entries::iterator> places_;
    std::deque<uid_t> queue_;
    std::vector<uid_t> being_asked_;  // at most one per thread
    unsigned waiting_ = 0;
    bool is_stopping_ = false;

    std::vector<threads::Background> threads_;
};

}  // namespace berth::exports
