// From the bytes of a call to the bytes of its reply: header, credential, reply cache, table,
// handler. Knows no sockets and no threads; every refusal of RFC 5531 is produced here and nowhere
// else. Programs are added before the first call; after that all members may be used from many
// threads.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "rpc/exchange.hpp"
#include "rpc/program.hpp"
#include "rpc/reply_cache.hpp"

namespace berth::rpc {

/// What the transport has to do with an exchange after the dispatcher had it.
enum class Verdict : std::uint8_t {
    reply,    ///< send exchange.reply
    silent,   ///< send nothing: not a call, a duplicate of one in progress, or left unanswered
    guarded,  ///< call attempt() in a section that is guarded against blocking, or as for worker
    worker,   ///< have finish() called by a thread that may block
};

/// How a call ended, for those who watch.
struct Ending {
    AcceptStatus status = AcceptStatus::success;
    std::size_t reply_bytes = 0;
};

/// Sees every call before and after its handler: metrics, traces. Called from many threads at once.
/// A call that defers is seen once before its first run and once after its last, by different
/// threads.
class Observer {
public:
    Observer() = default;
    Observer(const Observer&) = delete;
    Observer& operator=(const Observer&) = delete;
    virtual ~Observer() = default;
    virtual void before(const Call& call) = 0;
    virtual void after(const Call& call, const Ending& ending) = 0;
};

class Dispatcher {
public:
    explicit Dispatcher(const ReplyCache::Limits& limits = {},
                        ReplyCache::Now now = ReplyCache::Clock::now);

    /// Two versions of one program have different numbers; a version twice is a defect.
    void add(Program program);
    void watch(std::shared_ptr<Observer> observer) { observers_.push_back(std::move(observer)); }

    /// First pass, on the thread that must not block.
    Verdict handle(Exchange& exchange);
    /// Second pass, for Verdict::guarded: reply, silent or worker.
    Verdict attempt(Exchange& exchange);
    /// Last pass, for Verdict::worker: reply or silent. The exchange then knows the path of the
    /// newest copy of the call.
    Verdict finish(Exchange& exchange);
    /// The exchange will not be run after all (the server stops): a later copy of the call may.
    void give_up(Exchange& exchange);

    [[nodiscard]] std::span<const Program> programs() const noexcept { return programs_; }
    [[nodiscard]] const ReplyCache& reply_cache() const noexcept { return replies_; }

private:
    Verdict admit(Exchange& exchange);
    Verdict run(Exchange& exchange, Patience patience);
    static Verdict repeat(Exchange& exchange, std::span<const std::byte> reply);
    void settle(Exchange& exchange, AcceptStatus status);
    const Program* find(std::uint32_t program, std::uint32_t version, MismatchInfo& known) const;

    std::vector<Program> programs_;
    std::vector<std::shared_ptr<Observer>> observers_;
    ReplyCache replies_;
};

}  // namespace berth::rpc
