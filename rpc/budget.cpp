#include "rpc/budget.hpp"

#include <algorithm>
#include <cassert>
#include <ctime>
#include <functional>
#include <new>
#include <vector>

#include <malloc.h>

#include "rpc/peer_log.hpp"

namespace berth::rpc {

namespace {

// Parts of the ceiling: memory kept for later calls, remembered replies, exchanges kept for later,
// and what threads use within a turn.
constexpr std::size_t kept_part = 12;
constexpr std::size_t replies_part = 8;
constexpr std::size_t exchanges_part = 32;
constexpr std::size_t threads_part = 32;

constexpr std::size_t kept_bytes_max = std::size_t{40} << 20;
constexpr std::size_t replies_bytes_max = std::size_t{64} << 20;

// How many connections give way at once, what they have to free at least, and the time between two
// such rounds.
constexpr std::size_t give_way_max = 32;
constexpr std::size_t relief_bytes = std::size_t{1} << 20;
constexpr std::size_t going_max = 8;
constexpr std::chrono::milliseconds between_reliefs{20};

std::size_t mebibytes(std::size_t bytes) {
    return bytes >> 20;
}

}  // namespace

Budget::Clock::time_point Budget::coarse_now() noexcept {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return Clock::time_point{std::chrono::seconds{now.tv_sec} +
                             std::chrono::nanoseconds{now.tv_nsec}};
}

Budget::Budget(const Limits& limits, Now now)
    : limits_(limits),
      now_(std::move(now)),
      shares_bytes_max_(limits.bytes_max - limits.bytes_max / kept_part -
                        limits.bytes_max / replies_part - limits.bytes_max / exchanges_part -
                        limits.bytes_max / threads_part),
      shares_bytes_usual_(shares_bytes_max_ - shares_bytes_max_ / 8),
      blocks_(std::min(kept_bytes_max, limits.bytes_max / kept_part)) {}

Budget::~Budget() {
    assert(held_.load() == 0 && accounts_.empty());
}

std::size_t Budget::remembered_replies_bytes_max() const noexcept {
    return std::min(replies_bytes_max, limits_.bytes_max / replies_part);
}

std::size_t Budget::spare_exchanges_bytes_max() const noexcept {
    return limits_.bytes_max / exchanges_part;
}

Budget::AccountPtr Budget::account(const Address& client) {
    const std::scoped_lock held{lock_};
    const auto [place, is_new] = accounts_.try_emplace(client);
    if (auto account = place->second.lock()) return account;
    try {
        auto account = std::make_shared<Account>(*this, client);
        place->second = account;
        return account;
    } catch (const std::bad_alloc&) {
        if (is_new) accounts_.erase(place);
        throw;
    }
}

Budget::Account::~Account() {
    budget_.let_go(*this);
}

void Budget::let_go(const Account& account) noexcept {
    const std::scoped_lock held{lock_};
    const auto place = accounts_.find(account.client_);
    // The same client may already have a new account.
    if (place != accounts_.end() && place->second.expired()) accounts_.erase(place);
}

bool Budget::Account::has_room() const noexcept {
    const auto all = budget_.held_.load(std::memory_order_relaxed);
    if (all >= budget_.shares_bytes_max_) return false;
    const auto ours = held();
    if (ours <= next_to_nothing) return true;
    return all < budget_.shares_bytes_usual_ && ours < budget_.shares_bytes_usual_ - all;
}

void Budget::Share::resize(std::size_t bytes) noexcept {
    if (bytes == bytes_) return;
    assert(account_);
    auto& budget = account_->budget_;
    // Unsigned arithmetic: adding the wrapped difference subtracts.
    const auto change = bytes - bytes_;
    account_->held_.fetch_add(change, std::memory_order_relaxed);
    const auto all = budget.held_.fetch_add(change, std::memory_order_relaxed) + change;
    auto most = budget.held_most_.load(std::memory_order_relaxed);
    while (bytes > bytes_ && all > most &&
           !budget.held_most_.compare_exchange_weak(most, all, std::memory_order_relaxed)) {
    }
    bytes_ = bytes;
}

void Budget::Share::release() noexcept {
    if (!account_) return;
    resize(0);
    account_.reset();
}

Budget::Member::Member(std::shared_ptr<Budget> budget, const Address& client, Holder& holder)
    : budget_(std::move(budget)),
      account_(budget_->account(client)),
      holder_(holder),
      moved_at_(budget_->now()) {
    budget_->enter(*this);
}

Budget::Member::~Member() {
    budget_->leave(*this);
}

void Budget::Member::stay() noexcept {
    begin_work();
    const std::scoped_lock held{budget_->lock_};
    gives_way_ = false;
    --budget_->given_way_;
}

void Budget::enter(Member& member) {
    const std::scoped_lock held{lock_};
    auto& account = *member.account_;
    std::list<Member*> added{&member};
    count_connections(account, 1);
    account.members_.splice(account.members_.end(), added);
    member.place_ = std::prev(account.members_.end());
}

void Budget::leave(Member& member) noexcept {
    const std::scoped_lock held{lock_};
    count_connections(*member.account_, -1);
    member.account_->members_.erase(member.place_);
}

// To be called before the member is added to its account or removed from it.
void Budget::count_connections(Account& account, int change) {
    const auto before = account.members_.size();
    const auto after = before + static_cast<std::size_t>(change);
    auto node = by_connections_.extract({before, &account});
    if (node.empty()) {
        by_connections_.emplace(after, &account);
    } else if (after > 0) {
        node.value().first = after;
        by_connections_.insert(std::move(node));
    }
    connections_ += static_cast<std::size_t>(change);
}

Budget::HolderPtr Budget::mark(Member& member) noexcept {
    member.gives_way_ = true;
    ++given_way_;
    return member.holder_.hold();
}

bool Budget::is_silent(const Member& member, Clock::time_point since) noexcept {
    return !member.gives_way_ && member.holds_.load(std::memory_order_relaxed) &&
           member.moved_at() <= since;
}

// Members that have moved no byte for this long; of those, the longest silent.
std::vector<Budget::HolderPtr> Budget::find_silent(const Account& account,
                                                   std::chrono::milliseconds patience) {
    const auto since = now_() - patience;
    std::vector<Member*> silent;
    for (auto* const member : account.members_)
        if (is_silent(*member, since)) silent.push_back(member);
    const auto count = std::min(silent.size(), give_way_max);
    std::ranges::partial_sort(silent, silent.begin() + static_cast<std::ptrdiff_t>(count), {},
                              [](const Member* member) { return member->moved_at(); });
    std::vector<HolderPtr> found(count);
    for (std::size_t i = 0; i < count; ++i) found[i] = mark(*silent[i]);
    return found;
}

// The same of all clients: of those that hold most. What one client has alone may be too little.
std::vector<Budget::HolderPtr> Budget::find_silent_of_all(std::chrono::milliseconds patience) {
    const auto since = now_() - patience;
    std::vector<std::pair<std::size_t, const Account*>> with_silent;
    for (const auto& [count, account] : by_connections_)
        if (std::ranges::any_of(account->members_,
                                [&](const auto* member) { return is_silent(*member, since); }))
            with_silent.emplace_back(account->held(), account);
    std::ranges::sort(with_silent, std::greater{});
    std::vector<HolderPtr> found;
    std::size_t freed = 0;
    for (const auto& [bytes, account] : with_silent) {
        if (found.size() >= give_way_max || freed >= relief_bytes) break;
        auto more = find_silent(*account, patience);
        found.insert(found.end(), more.begin(), more.end());
        freed += bytes;
    }
    return found;
}

void Budget::relieve(const Account& waiting) {
    // Released after the lock: the last reference to a connection calls back into the budget.
    std::vector<HolderPtr> found;
    const char* reason = "its client's calls wait for memory that it holds";
    {
        const std::scoped_lock held{lock_};
        const auto now = now_();
        if (now - relieved_at_ < between_reliefs) return;
        relieved_at_ = now;
        warn_of(waiting.client(),
                "memory is short: calls hold {} of {} MiB, {} MiB of that for "
                "{}, whose calls wait; raise --memory-max to allow more",
                mebibytes(held_.load()), mebibytes(limits_.bytes_max), mebibytes(waiting.held()),
                waiting.client());
        found = find_silent(waiting, limits_.patience);
        if (found.empty()) {
            found = find_silent_of_all(limits_.patience / 5);
            reason = "it holds memory that other clients wait for";
        }
    }
    for (const auto& holder : found)
        if (holder) holder->give_way(reason);
}

// Looks at some members only, so that it takes no time; the next call looks at others.
Budget::HolderPtr Budget::find_idle(Account& account) {
    constexpr std::size_t looks_max = 64;
    Member* oldest = nullptr;
    auto& members = account.members_;
    for (auto looks = std::min(looks_max, members.size()); looks > 0; --looks) {
        auto* const member = members.front();
        members.splice(members.end(), members, members.begin());
        if (member->gives_way_ || !member->is_idle_.load(std::memory_order_relaxed)) continue;
        if (oldest == nullptr || member->moved_at() < oldest->moved_at()) oldest = member;
    }
    return oldest != nullptr ? mark(*oldest) : nullptr;
}

bool Budget::admit(const Address& client) {
    HolderPtr idle;
    {
        const std::scoped_lock held{lock_};
        if (connections_ < limits_.connections_max || by_connections_.empty()) return true;
        const auto& [most, largest] = *by_connections_.rbegin();
        warn_of(largest->client(),
                "{} connections are open, as many as are allowed, {} of them "
                "from {}; idle connections of the client that has most are "
                "closed for new ones; raise --connections-max to allow more",
                connections_, most, largest->client());
        // Connections that were asked to give way and have not gone yet still count.
        if (connections_ > limits_.connections_max + limits_.connections_max / 16 + going_max)
            return false;
        // No client loses its only connection to another client.
        if (most == 1 && !(largest->client() == client)) return false;
        idle = find_idle(*largest);
    }
    if (!idle) return false;
    idle->give_way_if_idle("another connection needs its place");
    return true;
}

void Budget::lack_descriptors() noexcept {
    HolderPtr idle;
    {
        const std::scoped_lock held{lock_};
        warn_often("no descriptors are left to accept connections; raise the "
                   "limit on open files (ulimit -n, LimitNOFILE=) to allow more");
        if (!by_connections_.empty()) idle = find_idle(*by_connections_.rbegin()->second);
    }
    if (idle) idle->give_way_if_idle("there are no descriptors left");
}

void Budget::tidy() {
    // malloc_trim() walks all of the allocator's memory, and pages that it returns are zeroed when
    // they are needed again. So it runs only after a storm, or when there is nothing left to do.
    constexpr std::size_t storm_bytes = std::size_t{16} << 20;
    constexpr unsigned between_trims = 4;
    const auto now = held_.load(std::memory_order_relaxed);
    const auto most = held_most_.load(std::memory_order_relaxed);
    const bool is_over = most - std::min(now, most) >= storm_bytes;
    if (is_over) held_most_.store(now, std::memory_order_relaxed);
    bool is_at_rest = false;
    if (++tidied_ % between_trims == 0) is_at_rest = blocks_.trim() && blocks_.kept_bytes() == 0;
    if (is_over || is_at_rest) ::malloc_trim(0);
}

Budget::Statistics Budget::statistics() const {
    const std::scoped_lock held{lock_};
    return {.bytes = held_.load(),
            .clients = accounts_.size(),
            .connections = connections_,
            .given_way = given_way_};
}

}  // namespace berth::rpc
