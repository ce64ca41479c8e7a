#include "nfs/exports/user_groups.hpp"

#include <algorithm>
#include <new>
#include <string>
#include <utility>

namespace berth::exports {
namespace {

KnownUserPtr known_user(GroupDirectory::Groups groups) {
    constexpr gid_t not_a_group = 0xFFFFFFFF;
    auto user = std::make_shared<KnownUser>();
    if (!groups) return user;
    user->is_known = true;
    user->groups = *std::move(groups);
    std::ranges::sort(user->groups);
    // Not std::ranges::unique: clang 14 does not compile libstdc++'s.
    user->groups.erase(std::unique(user->groups.begin(), user->groups.end()), user->groups.end());
    if (!user->groups.empty() && user->groups.back() == not_a_group) user->groups.pop_back();
    return user;
}

}  // namespace

UserGroups::UserGroups(GroupDirectory& directory, const Limits& limits)
    : directory_(directory),
      limits_(limits) {
    for (std::size_t n = 0; n < threads_max; ++n)
        threads_.emplace_back("groups-" + std::to_string(n),
                              [this](const std::stop_token& stop) { run(stop); });
}

UserGroups::~UserGroups() {
    {
        const std::scoped_lock held{lock_};
        is_stopping_ = true;
    }
    has_answer_.notify_all();
    for (auto& thread : threads_) thread.ask_to_stop();
    threads_.clear();
}

vfs::Result<KnownUserPtr> UserGroups::find(uid_t uid, vfs::Patience patience) {
    std::unique_lock held{lock_};
    const auto begin = limits_.now();
    const auto* entry = recall(uid, begin);
    if (entry == nullptr) {
        enqueue(uid);
        if (patience != vfs::Patience::ample || waiting_ >= limits_.waiting_max)
            return vfs::would_block;
        ++waiting_;
        has_answer_.wait_for(held, limits_.patience, [&] {
            entry = recall(uid, begin);
            return is_stopping_ || entry != nullptr;
        });
        --waiting_;
    }
    if (entry == nullptr || entry->known == nullptr) return vfs::would_block;
    return entry->known;
}

const UserGroups::Entry* UserGroups::recall(uid_t uid, Clock::time_point at) {
    const auto place = places_.find(uid);
    if (place == places_.end()) return nullptr;
    const auto entry = place->second;
    entries_.splice(entries_.end(), entries_, entry);
    if (at > entry->good_until) return nullptr;
    if (at > entry->fresh_until) enqueue(uid);
    return &*entry;
}

void UserGroups::enqueue(uid_t uid) {
    const auto is_in = [&](const auto& list) { return std::ranges::find(list, uid) != list.end(); };
    if (queue_.size() >= limits_.queue_max || is_in(queue_) || is_in(being_asked_)) return;
    queue_.push_back(uid);
    has_work_.notify_one();
}

void UserGroups::remember(uid_t uid, GroupDirectory::Groups groups) {
    const bool is_answer = groups || groups.error() == GroupDirectory::NoGroups::unknown_user;
    auto place = places_.find(uid);
    if (place == places_.end()) {
        if (entries_.size() >= limits_.users_max) {
            places_.erase(entries_.front().uid);
            entries_.pop_front();
        }
        Entries own{Entry{.uid = uid}};  // without memory it is in neither of the two
        place = places_.emplace(uid, own.begin()).first;
        entries_.splice(entries_.end(), own);
    }
    auto& entry = *place->second;
    if (is_answer) entry.known = known_user(std::move(groups));
    const auto now = limits_.now();
    entry.fresh_until = now + (is_answer ? limits_.answers_last : limits_.retry_after);
    entry.good_until = entry.fresh_until;
    if (entry.known != nullptr) entry.good_until += limits_.answers_last;
}

GroupDirectory::Groups UserGroups::ask(uid_t uid) {
    try {
        return directory_.groups_of(uid);
    } catch (const std::bad_alloc&) {
        return GroupDirectory::NoGroups::nobody_to_ask;
    }
}

void UserGroups::run(const std::stop_token& stop) {
    std::unique_lock held{lock_};
    while (has_work_.wait(held, stop, [this] { return !queue_.empty(); }) &&
           !stop.stop_requested()) {
        const auto uid = queue_.front();
        queue_.pop_front();
        being_asked_.push_back(uid);
        held.unlock();
        auto groups = ask(uid);
        held.lock();
        std::erase(being_asked_, uid);
        remember(uid, std::move(groups));
        has_answer_.notify_all();
    }
}

}  // namespace berth::exports
