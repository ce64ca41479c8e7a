// Calls from the server to its clients' machines; each is retried until it is done or given up.
// Calls to one program of one machine go in order, one at a time; among machines, the longest due
// goes first. A machine that does not answer thus holds up its own calls and at most one thread.
// Many such machines hold up others for a while, but not grants to machines that answer: those go
// first, and one thread is kept for them.
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
#include <stop_token>
#include <utility>
#include <vector>

#include "nlm/owner.hpp"
#include "rpc/client.hpp"
#include "rpc/threads/background.hpp"

namespace berth::nlm {

struct Callback {
    ReturnPath path;
    rpc::ProgramId program;  ///< path.version is ignored
    /// Makes one attempt. True: done.
    std::function<bool(rpc::Client& client)> call;
    /// If false, there is nothing left to do.
    std::function<bool()> is_wanted = [] { return true; };
    /// Counted from post(); empty: it is never given up.
    std::optional<std::chrono::seconds> patience;
    std::function<void()> given_up = [] {};
    bool any_transport = false;  ///< if path.transport leads nowhere, the other one is used
    enum class Kind : std::uint8_t {
        other,
        grant,   ///< of a lock that a client waits for
        answer,  ///< to a call that anybody may have made under any identity
    };
    Kind kind = Kind::other;
};

class Callbacks {
public:
    using Clock = std::chrono::steady_clock;
    /// Returns a client of that program at path.client; null if there is none now. May take a few
    /// seconds.
    using Connect =
        std::function<std::unique_ptr<rpc::Client>(const ReturnPath&, const rpc::ProgramId&)>;

    /// The limit for one program of one machine; past it the newest callback is lost.
    static constexpr std::size_t line_callbacks_max = 2048;
    /// The limit for all machines; other limits bound the other kinds.
    static constexpr std::size_t answers_max = 4096;
    static constexpr std::chrono::seconds first_pause{1};
    static constexpr std::chrono::seconds longest_pause{30};

    explicit Callbacks(Connect connect) : connect_(std::move(connect)) {}
    Callbacks(const Callbacks&) = delete;
    Callbacks& operator=(const Callbacks&) = delete;
    ~Callbacks() { end(); }

    void start(unsigned threads);
    /// Begins no more attempts. False: some were still running after `patience`.
    [[nodiscard]] bool stop(std::chrono::milliseconds patience);
    /// The same, but waits for however long it takes; then nothing uses what callbacks refer to.
    void end();

    /// If the machine was thought to be away, it is tried at once: something has come from it. A
    /// callback that is lost is given up.
    void post(Callback callback);

    /// Makes one attempt that is due at `now`, on the calling thread. Returns when the next one is
    /// due; empty if nothing is left to do.
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
        bool is_away = false;  ///< it did not answer the last attempt and has not called since
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
    bool carry_out(Callback& callback);
    void run(const std::stop_token& stop);

    const Connect connect_;
    std::size_t running_ = 0;  ///< the number of threads once started
    std::condition_variable_any changed_;
    std::mutex lock_;
    // Guarded by lock_:
    std::uint64_t changes_ = 0;  ///< of what may be due
    Lines lines_;
    std::size_t busy_others_ = 0;  ///< lines that were not urgent when their attempt began
    std::size_t answers_ = 0;

    std::vector<threads::Background> threads_;
};

}  // namespace berth::nlm
