// The groups that users have on the server, where those in calls are too few to go by: AUTH_SYS has
// room for 16 (RFC 5531 Appendix A). Asks on threads of its own, because a directory service may
// take its time, and remembers. Locks itself, never for long.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <list>
#include <memory>
#include <mutex>
#include <span>
#include <thread>
#include <unordered_map>
#include <vector>

#include "nfs/vfs/group_directory.hpp"
#include "nfs/vfs/result.hpp"
#include "nfs/vfs/types.hpp"

namespace berth::vfs {

/// What the server knows of one user. Never changes.
struct KnownUser {
    bool is_known = false;      ///< whether the server has such a user
    std::vector<gid_t> groups;  ///< ascending, none twice, without 0xFFFFFFFF

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
        std::size_t users_max = 4096;  ///< remembered; then who was asked for longest ago goes
        std::size_t queue_max = 256;   ///< users to be asked about
        /// An older answer is good for as long again, while the user is asked about once more.
        std::chrono::milliseconds answers_last{300'000};
        std::chrono::milliseconds retry_after{5'000};  ///< where nobody could be asked
        std::chrono::milliseconds patience{3'000};     ///< of a call that waits
        unsigned waiting_max = 8;                      ///< calls that wait at once
        Clock::time_point (*now)() = &Clock::now;
    };

    /// Starts its threads; not for a thread that acts as a client's user, as whom they would go on.
    /// The directory outlives this.
    UserGroups(GroupDirectory& directory, const Limits& limits);
    UserGroups(const UserGroups&) = delete;
    UserGroups& operator=(const UserGroups&) = delete;
    ~UserGroups();

    /// would_block: the directory has to be asked first, and with Wait::yes that was tried in vain.
    /// While nobody can be asked, what was known stays known.
    [[nodiscard]] Result<KnownUserPtr> find(uid_t uid, Wait wait);

private:
    struct Entry {
        uid_t uid = 0;
        KnownUserPtr known;  // nullptr: nobody could be asked
        Clock::time_point fresh_until;
        Clock::time_point good_until;
    };
    using Entries = std::list<Entry>;

    /// Empty: nothing is known that was good at that time. Asks anew about what is old.
    [[nodiscard]] const Entry* recall(uid_t uid, Clock::time_point at);
    void enqueue(uid_t uid);
    void remember(uid_t uid, GroupDirectory::Groups groups);
    void run();

    static constexpr std::size_t threads = 4;

    GroupDirectory& directory_;
    const Limits limits_;
    std::mutex lock_;
    std::condition_variable has_work_;
    std::condition_variable has_answer_;
    Entries entries_;  // asked for longest ago first
    std::unordered_map<uid_t, Entries::iterator> places_;
    std::deque<uid_t> queue_;
    std::vector<uid_t> being_asked_;  // at most one per thread
    unsigned waiting_ = 0;
    bool is_stopping_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace berth::vfs
