// Calls that the server makes to its clients' machines: each is tried again until it is done or
// given up. What is for one program of one machine goes in order, one at a time, so that a machine
// that does not answer holds up nobody but itself, and at most one thread.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
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

    /// A machine that is thought to be away is tried at once: something has come from it.
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
    };
    using Key = std::pair<rpc::Address, std::uint32_t>;
    using Lines = std::map<Key, Line>;

    Lines::iterator due_line(Clock::time_point now);
    [[nodiscard]] std::optional<Clock::time_point> next_due() const;
    bool attempt(Callback& callback);
    void run();

    const Connect connect_;
    std::mutex lock_;
    std::condition_variable changed_;
    Lines lines_;
    bool is_stopping_ = false;
    std::size_t running_ = 0;
    std::vector<std::thread> threads_;
};

}  // namespace berth::nlm
