// From the bytes of a call to the bytes of its reply: header, credential, reply cache, table,
// handler. The dispatcher knows no sockets and no threads; every refusal of RFC 5531 is made here
// and nowhere else. Programs are added before the first call; after that many threads may use all
// members.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "rpc/exchange.hpp"
#include "rpc/interceptor.hpp"
#include "rpc/program.hpp"
#include "rpc/reply_cache.hpp"

namespace berth::rpc {

/// The transport's next step for an exchange that the dispatcher returns.
enum class Verdict : std::uint8_t {
    reply,    ///< send exchange.reply
    silent,   ///< send nothing: not a call, a duplicate of one in progress, or left unanswered
    guarded,  ///< call attempt() in a section guarded against blocking, or treat as worker
    worker,   ///< have a thread that may block call finish()
    delayed,  ///< call resume() after the delay of exchange.interception.decision
};

class Dispatcher {
public:
    explicit Dispatcher(const ReplyCache::Limits& limits = {},
                        ReplyCache::Now now = ReplyCache::Clock::now);

    /// Versions of one program are added one by one; to add a version twice is a defect.
    void add(Program program);
    /// Puts an interceptor around every call that arrives from now on, behind those that are there
    /// already. Any thread, at any time. It lives as long as the dispatcher.
    void intercept(const std::shared_ptr<Interceptor>& interceptor);
    /// The contrary, for calls that arrive from now on. The interceptor still sees the end of
    /// earlier ones.
    void intercept_no_more(const Interceptor& interceptor);

    /// First pass, on the thread that must not block.
    Verdict handle(Exchange& exchange);
    /// Goes on with a delayed call, on a thread that must not block; returns what handle() returns.
    Verdict resume(Exchange& exchange);
    /// Second pass, for Verdict::guarded: reply, silent or worker.
    Verdict attempt(Exchange& exchange);
    /// Last pass, for Verdict::worker: reply or silent. Afterwards the exchange has the path of the
    /// newest copy of the call.
    Verdict finish(Exchange& exchange);
    /// In place of finish(), for a call that has waited too long: has it answered "later", which
    /// takes no time. Only for programs that have `knows_later`.
    Verdict finish_late(Exchange& exchange);
    /// The exchange will not run after all (the server stops); a later copy of the call may.
    static void give_up(Exchange& exchange);

    [[nodiscard]] std::span<const Program> programs() const noexcept { return programs_; }
    [[nodiscard]] const ReplyCache& reply_cache() const noexcept { return replies_; }

private:
    std::optional<Arrival> admit(Exchange& exchange);
    Verdict go_on(Exchange& exchange, Arrival arrival);
    Verdict run(Exchange& exchange, Where where);
    void settle(Exchange& exchange, AcceptStatus status);
    const Program* find(std::uint32_t program, std::uint32_t version, MismatchInfo& known) const;
    void tell_of_other_version(const Call& call) const noexcept;

    std::vector<Program> programs_;
    /// Has new calls seen by these.
    void use(Interceptors interceptors);

    std::atomic<const Interceptors*> interceptors_{nullptr};  // null: there are none
    std::mutex interceptors_lock_;
    // Guarded by interceptors_lock_: every list that has been used, because calls still refer to
    // it. There is none twice.
    std::deque<Interceptors> interceptor_lists_;
    std::atomic<std::uint64_t> intercepted_{0};
    ReplyCache replies_;
};

}  // namespace berth::rpc
