// The seam around every call: an Interceptor sees a call before it runs, with its result, and as
// its reply leaves, and may change what happens then. Metrics, traces, records and faults belong
// here and nowhere else. Without interceptors a call pays for one test.
//
// Interceptors also see calls that are refused before any procedure, and copies that the reply
// cache answers. They do not see messages that are not RPC calls.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "rpc/call.hpp"
#include "rpc/endpoint.hpp"
#include "rpc/message.hpp"
#include "rpc/reply.hpp"
#include "xdr/codec.hpp"
#include "xdr/writer.hpp"

namespace berth::rpc {

class Interceptor;
using Interceptors = std::vector<std::shared_ptr<Interceptor>>;

/// The dispatcher's plan for a call that has arrived.
enum class Arrival : std::uint8_t {
    to_run,
    refused,      ///< its reply has been made
    repeated,     ///< a copy of an answered call; its reply is there
    in_progress,  ///< a copy of a call that is still running; it gets no reply of its own
};

/// How a call ended.
enum class Ending : std::uint8_t {
    answered,    ///< a reply has been made
    unanswered,  ///< no reply: the handler or an interceptor decided so, or it is a copy
    given_up,    ///< the server stops, or an error occurred
};

/// One call as interceptors see it, from arrival to end. One thread at a time owns it.
class Intercepted {
public:
    using Clock = std::chrono::steady_clock;

    Intercepted() = default;
    Intercepted(const Intercepted&) = delete;
    Intercepted& operator=(const Intercepted&) = delete;

    /// Unique among the calls of this dispatcher; 0: nobody intercepts this call.
    [[nodiscard]] std::uint64_t number() const noexcept { return number_; }
    [[nodiscard]] Arrival arrival() const noexcept { return arrival_; }
    /// `call().where` says where the call last ran. Programs and procedures that are not served
    /// have empty names.
    [[nodiscard]] const Call& call() const noexcept;
    /// The message as it arrived, starting with its xid.
    [[nodiscard]] std::span<const std::byte> request() const noexcept;
    /// Not for a call that is refused.
    [[nodiscard]] xdr::Reader arguments() const noexcept;

    /// The encoded results of this call if it ended with this status of its protocol; empty if its
    /// results have none, or if it is refused.
    [[nodiscard]] std::vector<std::byte> failure(std::uint32_t status) const;

    [[nodiscard]] Clock::time_point arrived_at() const noexcept { return arrived_at_; }
    /// When the call first ran; its arrival time if it never ran.
    [[nodiscard]] Clock::time_point began_at() const noexcept { return began_at_; }
    [[nodiscard]] Clock::time_point ended_at() const noexcept { return ended_at_; }

private:
    friend class Interception;

    const Exchange* exchange_ = nullptr;
    std::uint64_t number_ = 0;
    Arrival arrival_ = Arrival::to_run;
    Clock::time_point arrived_at_;
    Clock::time_point began_at_;
    Clock::time_point ended_at_;
};

struct Departure;

/// What an interceptor wants to do later with a call that it has seen arrive. One thread at a time
/// owns it; the members must not block.
class Follower {
public:
    Follower() = default;
    Follower(const Follower&) = delete;
    Follower& operator=(const Follower&) = delete;
    virtual ~Follower() = default;

    virtual void after(const Intercepted& /*call*/, Ending /*ending*/, Reply& /*reply*/) {}
    virtual void leaving(const Intercepted& /*call*/, Departure& /*departure*/) {}
};

/// While it is shut, the calls that wait for it do not go on. Any thread.
class Gate {
public:
    void open() noexcept { is_open_.store(true); }
    [[nodiscard]] bool is_open() const noexcept { return is_open_.load(); }

private:
    std::atomic<bool> is_open_ = false;
};

/// An interceptor's decision about a call that has arrived.
class Decision {
public:
    enum class Act : std::uint8_t { go_on, drop, close, reset, refuse, deny, answer };

    [[nodiscard]] static Decision go_on() noexcept { return {}; }
    /// The call does not run, and gets no reply.
    [[nodiscard]] static Decision drop() noexcept { return Decision{Act::drop}; }
    /// The same, and its connection is closed. Over UDP: drop.
    [[nodiscard]] static Decision close() noexcept { return Decision{Act::close}; }
    /// The same, but the client sees a reset (RST) instead of an end (FIN).
    [[nodiscard]] static Decision reset() noexcept { return Decision{Act::reset}; }
    /// The call does not run; its reply says this, which is not success.
    [[nodiscard]] static Decision refuse(AcceptedBody body) noexcept {
        Decision made{Act::refuse};
        made.refusal_ = body;
        return made;
    }
    [[nodiscard]] static Decision refuse(AcceptStatus status) noexcept {
        return refuse(AcceptedBody::otherwise(status));
    }
    [[nodiscard]] static Decision deny(RejectedReply body) noexcept {
        Decision made{Act::deny};
        made.denial_ = body;
        return made;
    }
    [[nodiscard]] static Decision deny(AuthStatus status) noexcept {
        return deny(RejectedReply::make<RejectStatus::authentication_error>(status));
    }
    /// The call does not run; its reply has these encoded results. They are not remembered.
    [[nodiscard]] static Decision answer(std::vector<std::byte> results) noexcept {
        Decision made{Act::answer};
        made.results_ = std::move(results);
        return made;
    }
    /// Delays the decision by this long; no thread waits meanwhile.
    [[nodiscard]] Decision after(std::chrono::nanoseconds delay) && noexcept {
        delay_ = delay;
        return std::move(*this);
    }

    /// It also waits until these gates are open.
    [[nodiscard]] Decision behind(std::vector<std::shared_ptr<const Gate>> gates) && noexcept {
        gates_ = std::move(gates);
        return std::move(*this);
    }
    /// Has the rest of the call seen by this object.
    [[nodiscard]] Decision followed_by(std::shared_ptr<Follower> follower) && noexcept {
        follower_ = std::move(follower);
        return std::move(*this);
    }

    /// From this call on, its connection reads at most this many bytes a second. 0: as before.
    /// Over UDP: nothing.
    [[nodiscard]] Decision reading_at(std::uint64_t bytes_per_second) && noexcept {
        read_rate_ = bytes_per_second;
        return std::move(*this);
    }

    [[nodiscard]] Act act() const noexcept { return act_; }
    [[nodiscard]] std::uint64_t read_rate() const noexcept { return read_rate_; }
    [[nodiscard]] std::span<const std::shared_ptr<const Gate>> gates() const noexcept {
        return gates_;
    }
    [[nodiscard]] const std::shared_ptr<Follower>& follower() const noexcept { return follower_; }
    [[nodiscard]] std::chrono::nanoseconds delay() const noexcept { return delay_; }
    [[nodiscard]] const AcceptedBody& refusal() const noexcept { return refusal_; }
    [[nodiscard]] const RejectedReply& denial() const noexcept { return denial_; }
    [[nodiscard]] std::span<const std::byte> results() const noexcept { return results_; }

private:
    Decision() = default;
    explicit Decision(Act act) noexcept : act_(act) {}

    Act act_ = Act::go_on;
    AcceptedBody refusal_ = AcceptedBody::otherwise(AcceptStatus::success);
    RejectedReply denial_ = RejectedReply::make<RejectStatus::authentication_error>(AuthStatus::ok);
    std::chrono::nanoseconds delay_{0};
    std::uint64_t read_rate_ = 0;
    std::vector<std::shared_ptr<const Gate>> gates_;
    std::shared_ptr<Follower> follower_;
    std::vector<std::byte> results_;
};

/// How the bytes of a reply leave over TCP. Those of the replies behind it wait.
struct Manner {
    std::size_t fragments = 1;           ///< of the record — RFC 5531 §11
    std::size_t segment_bytes = 0;       ///< passed to the kernel at a time; 0: all
    std::uint64_t bytes_per_second = 0;  ///< 0: as fast as may be
    std::optional<std::size_t> cut_at;   ///< bytes of the record, marks included; no more leave

    [[nodiscard]] bool is_usual() const noexcept {
        return fragments <= 1 && segment_bytes == 0 && bytes_per_second == 0 && !cut_at;
    }
};

/// The fate of a reply as it leaves; interceptors may change it.
struct Departure {
    const Endpoint& from;  ///< the connection or socket that it leaves by
    const Endpoint& to;
    Transport transport;
    const xdr::Writer& message;  ///< without a record mark
    enum class Act : std::uint8_t {
        send,
        drop,
        close,  ///< closes the connection instead of sending; over UDP: drop
        reset,  ///< the same with a reset (RST)
    };
    Act act = Act::send;
    std::chrono::nanoseconds delay{0};
    unsigned copies = 0;          ///< that follow the reply at once, if it is sent
    bool is_behind_next = false;  ///< leaves after the reply that would have followed it
    Manner manner = {};           ///< with a cut, `act` is what comes after the part that leaves
    std::optional<Address> source = {};  ///< over UDP: the address that the datagram comes from
};

/// Many threads call the members at once, each for one call at a time; they must not block.
/// Interceptors see a call in the order in which they were added, at all three points. An exception
/// from one ends the call and its connection.
class Interceptor {
public:
    Interceptor() = default;
    Interceptor(const Interceptor&) = delete;
    Interceptor& operator=(const Interceptor&) = delete;
    virtual ~Interceptor() = default;

    /// Called once for each call. The first interceptor that does not return go_on() decides, and
    /// those after it are not asked. Delays add up.
    virtual Decision before(const Intercepted& /*call*/) { return Decision::go_on(); }
    /// Called once for each call that before() saw, however it ended.
    virtual void after(const Intercepted& /*call*/, Ending /*ending*/, Reply& /*reply*/) {}
    /// Called as the reply leaves, but not if the connection has gone. An interceptor may change
    /// what happens to the reply; the next one sees that.
    virtual void leaving(const Intercepted& /*call*/, Departure& /*departure*/) {}
};

/// Whether the call is for this procedure. Procedure types do not know their program.
template <class Procedure>
[[nodiscard]] bool is_a(const Call& call, const ProgramId& program) noexcept {
    return call.program.number == program.number && call.program.version == program.version &&
           call.procedure.number == Procedure::id.number;
}

/// Calls `look(const Procedure::Args&)` if the call is for this procedure and its arguments decode.
template <class Procedure, class Look>
bool with_arguments(const Intercepted& call, const ProgramId& program, Look look) {
    if (call.arrival() == Arrival::refused || !is_a<Procedure>(call.call(), program)) return false;
    typename Procedure::Args args{};
    auto in = call.arguments();
    xdr::decode(in, args);
    if (!in.ok()) return false;
    look(std::as_const(args));
    return true;
}

/// Calls `change(Procedure::Result&)` if the call is for this procedure and succeeded as an RPC,
/// and encodes the changed result.
template <class Procedure, class Change>
bool change_result(const Intercepted& call, Reply& reply, const ProgramId& program, Change change) {
    if (!is_a<Procedure>(call.call(), program)) return false;
    const auto results = reply.results();
    if (results.data() == nullptr) return false;
    typename Procedure::Result result{};
    xdr::Reader in{results};
    xdr::decode(in, result);
    if (!in.ok()) return false;
    change(result);
    xdr::Writer out;
    xdr::encode(out, result);
    reply.replace(out.flat());
    return true;
}

/// The interceptors' part of an exchange: ensures that they see each call end, exactly once.
class Interception {
public:
    Interception() = default;
    Interception(const Interception&) = delete;
    Interception& operator=(const Interception&) = delete;
    ~Interception() { give_up(); }

    explicit operator bool() const noexcept { return by_ != nullptr; }
    [[nodiscard]] const Intercepted& call() const noexcept { return call_; }

    /// A call has arrived: asks for a decision. `by` is not empty and outlives the call.
    void begin(const Interceptors& by, Exchange& exchange, std::uint64_t number, Arrival arrival);
    /// The call is about to run, perhaps not for the first time.
    void run() noexcept;
    void end(Ending ending);
    void leave(Departure& departure) const;
    /// Whether a gate keeps the call from going on.
    [[nodiscard]] bool is_held() const noexcept;
    /// Ends a call that has not ended, and forgets it, so that the exchange is free for another.
    void give_up() noexcept;

    /// The decision to carry out once its delay is over.
    Decision decision = Decision::go_on();

private:
    const Interceptors* by_ = nullptr;
    std::size_t begun_ = 0;  // how many interceptors have seen the call, and must see its end
    bool has_run_ = false;
    bool is_open_ = false;
    Exchange* exchange_ = nullptr;
    Intercepted call_;
    std::vector<std::shared_ptr<const Gate>> gates_;
    std::vector<std::shared_ptr<Follower>> followers_;
};

}  // namespace berth::rpc
