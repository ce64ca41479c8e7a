// Calls that the server makes to its clients' machines: each is tried again until it is done or
// given up. What is for one program of one machine goes in order, one at a time; of the machines,
// the one that has been due longest. So one that does not answer holds up its own calls and at most
// one thread; many hold up others for a while, but not grants to machines that have not failed to
// answer: those go first, and a thread is kept for them.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "nlm/owner.hpp"
#include "rpc/client.hpp"

namespace berth::nlm {

struct Callback {
    ReturnPath path;
    rpc::ProgramId program;  ///< path.version is not looked at
    /// One attempt. True: done.
    std::function<bool(rpc::Client& client)> attempt;
    /// Once false, there is nothing to do any more.
    std::function<bool()> is_wanted = [] { return true; };
    /// From the posting on; none: never given up.
    std::optional<std::chrono::seconds> patience;
    std::function<void()> given_up = [] {};
    bool any_transport = false;  ///< where path.transport leads nowhere, the other will do
    enum class Kind : std::uint8_t {
        other,
        grant,   ///< of a lock that somebody waits for
        answer,  ///< to a call that anybody may have made, in anybody's name
    };
    Kind kind = Kind::other;
};

class Callbacks {
public:
    using Clock = std::chrono::steady_clock;
    /// A client of that program at path.client; null when there is none now. May take a few
    /// seconds.
    using Connect =
        std::function<std::unique_ptr<rpc::Client>(const ReturnPath&, const rpc::ProgramId&)>;

    /// For one program of one machine; who posts more loses the newest.
    static constexpr std::size_t line_callbacks_max = 2048;
    /// For all machines; what else there is, others bound.
    static constexpr std::size_t answers_max = 4096;
    static constexpr std::chrono::seconds first_pause{1};
    static constexpr std::chrono::seconds longest_pause{30};

    explicit Callbacks(Connect connect) : connect_(std::move(connect)) {}
    Callbacks(const Callbacks&) = delete;
    Callbacks& operator=(const Callbacks&) = delete;
    ~Callbacks() { end(); }

    void start(unsigned threads);
    /// Begins no attempt any more. False: some were still under way after `patience`.
    [[nodiscard]] bool stop(std::chrono::milliseconds patience);
    /// The same, however long it takes: nothing that callbacks refer to is used any more.
    void end();

    /// A machine that is thought to be away is tried at once: something has come from it. What is
    /// lost is given up.
    void post(Callback callback);

    /// Makes one attempt that is due at `now`, on the calling thread. Gives when the next one is
    /// due; none when nothing is left to do.
    std::optional<Clock::time_point> run_one(Clock::time_point now);

private:
    struct Posted {
        Callback callback;
        Clock::time_point since;
    };
    struct Line {
        std::deque<Posted> posted;
        Clock::time_point due;
        std::chrono::seconds pause = first_pause;
        bool is_busy = false;
        bool is_away = false;  ///< did not answer the last attempt, nor has it called since
        std::size_t grants = 0;

        [[nodiscard]] bool is_urgent() const noexcept { return grants > 0 && !is_away; }
    };
    using Key = std::pair<rpc::Address, std::uint32_t>;
    using Lines = std::map<Key, Line>;

    Lines::iterator due_line(Clock::time_point now);
    [[nodiscard]] bool may_begin(const Line& line) const noexcept;
    void push(Line& line, Posted posted);
    Posted pop(Line& line);
    bool run_callback(Posted& posted, Clock::time_point now);
    [[nodiscard]] std::optional<Clock::time_point> next_due() const;
    bool attempt(Callback& callback);
    void run();

    const Connect connect_;
    std::mutex lock_;
    std::condition_variable changed_;
    Lines lines_;
    bool is_stopping_ = false;
    std::size_t running_ = 0;      ///< threads
    std::size_t busy_others_ = 0;  ///< lines that were not urgent when their attempt began
    std::size_t answers_ = 0;
    std::vector<std::thread> threads_;
};

}  // namespace berth::nlm
