// Limits the bytes and connections that all clients together may hold, counted for each client
// address. When one runs short, the client that holds most of it loses some first.
//
// A Share counts bytes that outlive a network thread's turn; a part of the ceiling is set aside for
// what threads use and free within a turn. A client may hold as much as is still free, so the next
// client always finds some, and one client alone gets half. Past that the server leaves the
// client's calls unread until it has read its replies. If it does not, while other clients or its
// own calls wait for memory, the budget closes its connections that neither send nor read, the
// longest silent first.
//
// The composition root makes it, and everything that serves shares it. Locks itself; any thread.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <utility>
#include <vector>

#include "rpc/arena.hpp"
#include "rpc/endpoint.hpp"

namespace berth::rpc {

class Budget {
public:
    using Clock = std::chrono::steady_clock;
    using Now = std::function<Clock::time_point()>;

    struct Limits {
        /// The total for calls, remembered replies and memory kept for later calls. At least
        /// bytes_min.
        std::size_t bytes_max = std::size_t{512} << 20;
        std::size_t connections_max = 20'000;
        /// How long a connection may neither send nor read while calls of its own client wait for
        /// the memory that it holds. A fifth of that while another client's calls wait.
        std::chrono::milliseconds patience{5000};
    };
    static constexpr std::size_t bytes_min = std::size_t{16} << 20;

    class Account;
    class Share;
    class Member;
    using AccountPtr = std::shared_ptr<Account>;

    /// A connection that can be asked to give way, that is, to close.
    class Holder {
    public:
        Holder() = default;
        Holder(const Holder&) = delete;
        Holder& operator=(const Holder&) = delete;
        virtual ~Holder() = default;
        /// Null if the holder is being destroyed. Any thread calls it, with the budget locked.
        virtual std::shared_ptr<Holder> hold() noexcept = 0;
        /// Any thread calls it. `reason` is a string literal.
        virtual void give_way(const char* reason) noexcept = 0;
        /// The same, if the holder is still idle by then; otherwise it calls Member::stay().
        virtual void give_way_if_idle(const char* reason) noexcept = 0;
    };

    explicit Budget(const Limits& limits, Now now = coarse_now);
    Budget(const Budget&) = delete;
    Budget& operator=(const Budget&) = delete;
    /// All accounts, shares and blocks must be gone.
    ~Budget();

    /// The client's account; the same one for as long as somebody holds it.
    [[nodiscard]] AccountPtr account(const Address& client);

    /// A call of this client waits for memory: asks connections that hold some and do nothing to
    /// give way. To be called again for as long as the call waits.
    void relieve(const Account& waiting);

    /// Whether one more connection of this client may stay. When there are too many, the client
    /// that has most is asked to give up its longest idle one.
    [[nodiscard]] bool admit(const Address& client);
    /// Asks for a connection in the same way when the process has run out of descriptors.
    void lack_descriptors() noexcept;

    /// The right to make a reply whose length is not known in advance. One call at a time has it,
    /// until the memory that its reply holds has been counted. False while another call has it.
    class Turn {
    public:
        Turn() = default;
        explicit Turn(Budget& budget) noexcept
            : budget_(budget.turn_is_taken_.exchange(true) ? nullptr : &budget) {}
        Turn(Turn&& other) noexcept : budget_(std::exchange(other.budget_, nullptr)) {}
        Turn& operator=(Turn&& other) noexcept {
            std::swap(budget_, other.budget_);
            return *this;
        }
        Turn(const Turn&) = delete;
        Turn& operator=(const Turn&) = delete;
        ~Turn() { end(); }

        explicit operator bool() const noexcept { return budget_ != nullptr; }
        void end() noexcept {
            if (auto* const budget = std::exchange(budget_, nullptr))
                budget->turn_is_taken_.store(false);
        }

    private:
        Budget* budget_ = nullptr;
    };

    /// To be called about once a second, by a thread that serves no calls: returns memory to the
    /// system that has not been needed for a while.
    void tidy();

    /// Large blocks kept for later calls, within the ceiling.
    [[nodiscard]] BlockPool& blocks() noexcept { return blocks_; }
    /// The parts of the ceiling that have owners elsewhere.
    [[nodiscard]] std::size_t remembered_replies_bytes_max() const noexcept;
    [[nodiscard]] std::size_t spare_exchanges_bytes_max() const noexcept;
    [[nodiscard]] const Limits& limits() const noexcept { return limits_; }

    struct Statistics {
        std::size_t bytes = 0;  ///< in shares
        std::size_t clients = 0;
        std::size_t connections = 0;
        std::uint64_t given_way = 0;  ///< connections asked to give way
    };
    [[nodiscard]] Statistics statistics() const;

    [[nodiscard]] Clock::time_point now() const { return now_(); }
    /// Accurate to a few milliseconds; reading it takes a few nanoseconds.
    [[nodiscard]] static Clock::time_point coarse_now() noexcept;

private:
    void enter(Member& member);
    void leave(Member& member) noexcept;
    void count_connections(Account& account, int change);
    void let_go(const Account& account) noexcept;
    using HolderPtr = std::shared_ptr<Holder>;
    static bool is_silent(const Member& member, Clock::time_point since) noexcept;
    std::vector<HolderPtr> find_silent_of_all(std::chrono::milliseconds patience);
    std::vector<HolderPtr> find_silent(const Account& account, std::chrono::milliseconds patience);
    HolderPtr find_idle(Account& account);
    HolderPtr mark(Member& member) noexcept;

    const Limits limits_;
    const Now now_;
    // The rest of the ceiling is for kept memory and for what threads use within a turn.
    const std::size_t shares_bytes_max_;
    // Above this, clients that hold anything wait.
    const std::size_t shares_bytes_usual_;
    BlockPool blocks_;
    std::atomic<std::size_t> held_{0};
    std::atomic<std::size_t> held_most_{0};  // since tidy() last returned memory
    std::atomic<bool> turn_is_taken_{false};
    unsigned tidied_ = 0;  // only the thread that calls tidy() uses it

    mutable std::mutex lock_;
    // Guarded by lock_:
    std::map<Address, std::weak_ptr<Account>> accounts_;
    std::set<std::pair<std::size_t, Account*>> by_connections_;
    std::size_t connections_ = 0;
    std::uint64_t given_way_ = 0;
    Clock::time_point relieved_at_;
};

/// The memory and connections of one client address.
class Budget::Account {
public:
    Account(Budget& budget, const Address& client) : budget_(budget), client_(client) {}
    Account(const Account&) = delete;
    Account& operator=(const Account&) = delete;
    ~Account();

    /// Whether the client may begin to hold more. A client that holds next to nothing always may,
    /// until the ceiling has been reached.
    [[nodiscard]] bool has_room() const noexcept;
    [[nodiscard]] std::size_t held() const noexcept {
        return held_.load(std::memory_order_relaxed);
    }
    [[nodiscard]] const Address& client() const noexcept { return client_; }

    /// Counts the client's connections that wait for room. Connections that hold something leave
    /// what they free to those.
    void begin_waiting() noexcept { waiting_.fetch_add(1, std::memory_order_relaxed); }
    void end_waiting() noexcept { waiting_.fetch_sub(1, std::memory_order_relaxed); }
    [[nodiscard]] bool is_waiting() const noexcept {
        return waiting_.load(std::memory_order_relaxed) > 0;
    }

private:
    friend class Budget;

    // A small call is always answered: it takes one block of 64 KiB and its headers.
    static constexpr std::size_t next_to_nothing = std::size_t{80} << 10;

    Budget& budget_;
    const Address client_;
    std::atomic<std::size_t> held_{0};
    std::atomic<std::size_t> waiting_{0};
    std::list<Member*> members_;  // guarded by the budget's lock; in the order of find_idle()
};

/// Bytes counted against a client for as long as the object lives: counted before the memory is
/// taken, released after it is freed. Whether a client may take more is decided before a call
/// begins, by Account::has_room().
class Budget::Share {
public:
    Share() = default;
    Share(AccountPtr account, std::size_t bytes) noexcept : account_(std::move(account)) {
        resize(bytes);
    }
    Share(Share&& other) noexcept
        : account_(std::move(other.account_)),
          bytes_(std::exchange(other.bytes_, 0)) {}
    Share& operator=(Share&& other) noexcept {
        std::swap(account_, other.account_);
        std::swap(bytes_, other.bytes_);
        return *this;
    }
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;
    ~Share() { release(); }

    /// Only for a share that has an account.
    void resize(std::size_t bytes) noexcept;
    void release() noexcept;
    [[nodiscard]] bool has_account() const noexcept { return account_ != nullptr; }
    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

private:
    AccountPtr account_;
    std::size_t bytes_ = 0;
};

/// A client's connection, counted for as long as it exists.
class Budget::Member {
public:
    Member(std::shared_ptr<Budget> budget, const Address& client, Holder& holder);
    Member(const Member&) = delete;
    Member& operator=(const Member&) = delete;
    ~Member();

    [[nodiscard]] const AccountPtr& account() const noexcept { return account_; }
    [[nodiscard]] const std::shared_ptr<Budget>& budget() const noexcept { return budget_; }

    /// Bytes have been received or sent.
    void moved() { moved_at_.store(budget_->now(), std::memory_order_relaxed); }
    [[nodiscard]] Clock::time_point moved_at() const noexcept {
        return moved_at_.load(std::memory_order_relaxed);
    }
    /// `holds`: the connection holds memory that only the peer can free, by sending the rest of a
    /// record or by reading its replies. `is_idle`: it has neither calls nor replies.
    void tell(bool holds, bool is_idle) noexcept {
        holds_.store(holds, std::memory_order_relaxed);
        // In order with the count of calls by which the teller knows it.
        if (is_idle_.load(std::memory_order_relaxed) != is_idle) is_idle_.store(is_idle);
    }
    /// The last of the connection's calls has ended. Any thread.
    void end_work() noexcept { is_idle_.store(true); }
    /// The connection is no longer idle.
    void begin_work() noexcept { is_idle_.store(false, std::memory_order_relaxed); }
    /// The same, and it will not give way although it was asked to.
    void stay() noexcept;

private:
    friend class Budget;

    const std::shared_ptr<Budget> budget_;
    const AccountPtr account_;
    Holder& holder_;
    std::atomic<Clock::time_point> moved_at_;
    std::atomic<bool> holds_{false};
    std::atomic<bool> is_idle_{true};
    // Guarded by the budget's lock:
    bool gives_way_ = false;
    std::list<Member*>::iterator place_;
};

}  // namespace berth::rpc
