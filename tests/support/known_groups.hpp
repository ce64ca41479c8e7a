// A directory of users and their groups that knows what the test says, counts, and can be held up.
#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "nfs/exports/group_directory.hpp"
#include "tests/support/gate.hpp"

namespace berth::test {

class KnownGroups final : public exports::GroupDirectory {
public:
    KnownGroups() = default;
    explicit KnownGroups(std::map<uid_t, std::vector<gid_t>> users) : users_(std::move(users)) {}

    std::atomic<bool> is_silent = false;  ///< nobody can be asked
    std::atomic<int> asked = 0;
    Gate gate;

    void set(uid_t uid, std::vector<gid_t> groups) {
        const std::scoped_lock held{lock_};
        users_[uid] = std::move(groups);
    }

    Groups groups_of(uid_t uid) override {
        ++asked;
        gate.pass();
        if (is_silent) return NoGroups::nobody_to_ask;
        const std::scoped_lock held{lock_};
        const auto user = users_.find(uid);
        if (user == users_.end()) return NoGroups::unknown_user;
        return user->second;
    }

private:
    std::mutex lock_;
    std::map<uid_t, std::vector<gid_t>> users_;
};

}  // namespace berth::test
