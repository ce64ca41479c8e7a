#include "rpc/dispatcher.hpp"

#include <algorithm>
#include <cassert>
#include <exception>
#include <new>
#include <utility>

#include <spdlog/spdlog.h>

#include "rpc/credential.hpp"
#include "xdr/codec.hpp"

namespace berth::rpc {

namespace {

void write_reply(Exchange& exchange, ReplyBody body) {
    Message message{.xid = exchange.call.xid, .body = {}};
    message.body = decltype(message.body)::make<MessageType::reply>(std::move(body));
    exchange.reply.clear();
    xdr::encode(exchange.reply, message);
}

Verdict accept(Exchange& exchange, AcceptedBody body) {
    write_reply(exchange,
                ReplyBody::make<ReplyStatus::accepted>({.verifier = {}, .body = std::move(body)}));
    return Verdict::reply;
}

Verdict accept(Exchange& exchange, AcceptStatus status) {
    return accept(exchange, AcceptedBody::otherwise(status));
}

Verdict deny(Exchange& exchange, RejectedReply body) {
    write_reply(exchange, ReplyBody::make<ReplyStatus::denied>(std::move(body)));
    return Verdict::reply;
}

Verdict deny(Exchange& exchange, AuthStatus status) {
    return deny(exchange, RejectedReply::make<RejectStatus::authentication_error>(status));
}

/// The header of a reply whose results follow.
void write_success_header(Exchange& exchange) {
    auto& out = exchange.reply;
    out.clear();
    out.u32(exchange.call.xid);
    out.u32(static_cast<std::uint32_t>(MessageType::reply));
    out.u32(static_cast<std::uint32_t>(ReplyStatus::accepted));
    out.u32(static_cast<std::uint32_t>(AuthFlavor::none));
    out.u32(0);
    out.u32(static_cast<std::uint32_t>(AcceptStatus::success));
}

/// The reply's bytes as they stand or, if something is only referenced, copied into the call's
/// memory.
std::span<const std::byte> in_one_piece(Exchange& exchange) {
    const auto& reply = exchange.reply;
    if (reply.owns_all()) {
        std::span<const std::byte> whole;
        reply.segments([&](std::span<const std::byte> piece) { whole = piece; });
        return whole;
    }
    const auto copy = exchange.arena.bytes(reply.size());
    auto end = copy.begin();
    reply.segments(
        [&](std::span<const std::byte> piece) { end = std::ranges::copy(piece, end).out; });
    return copy;
}

bool is_asking_again_later(const Exchange& exchange, AcceptStatus status) {
    return status != AcceptStatus::success || exchange.call.reply_forgotten;
}

}  // namespace

Dispatcher::Dispatcher(const ReplyCache::Limits& limits, ReplyCache::Now now)
    : replies_(limits, std::move(now)) {}

void Dispatcher::add(Program program) {
    assert(std::ranges::none_of(programs_, [&](const Program& other) {
        return other.id.number == program.id.number && other.id.version == program.id.version;
    }));
    programs_.push_back(std::move(program));
}

const Program* Dispatcher::find(std::uint32_t program, std::uint32_t version,
                                MismatchInfo& known) const {
    known = {.low = 0xFFFFFFFF, .high = 0};
    for (const auto& candidate : programs_) {
        if (candidate.id.number != program) continue;
        if (candidate.id.version == version) return &candidate;
        known.low = std::min(known.low, candidate.id.version);
        known.high = std::max(known.high, candidate.id.version);
    }
    return nullptr;
}

Verdict Dispatcher::handle(Exchange& exchange) {
    const auto verdict = admit(exchange);
    if (verdict != Verdict::worker) return verdict;
    // Of calls that list something, say.
    constexpr std::size_t expected_of_unknown = std::size_t{64} << 10;
    switch (exchange.procedure->id.runs) {
    case Runs::on_worker:
        exchange.reply_bytes_expected = expected_of_unknown;
        return Verdict::worker;
    case Runs::guarded: return Verdict::guarded;
    case Runs::promptly:
    case Runs::or_defers: break;
    }
    return run(exchange, Patience::none);
}

// Everything before the handler, in the order of RFC 5531 §9: rpc version, credential, program,
// version, procedure. Verdict::worker means "admitted".
Verdict Dispatcher::admit(Exchange& exchange) {
    auto& call = exchange.call;
    xdr::Reader in{exchange.request};
    call.xid = in.u32();
    const auto type = in.u32();
    const auto version_of_rpc = in.u32();
    const auto program = in.u32();
    const auto version = in.u32();
    const auto procedure = in.u32();
    if (!in.ok() || type != static_cast<std::uint32_t>(MessageType::call)) return Verdict::silent;
    if (version_of_rpc != rpc_version)
        return deny(exchange, RejectedReply::make<RejectStatus::rpc_mismatch>(
                                  {.low = rpc_version, .high = rpc_version}));

    const auto authenticated = read_credential(in, procedure == 0, call.credential);
    MismatchInfo known;
    exchange.program = find(program, version, known);
    if (authenticated != AuthStatus::ok) {
        const bool any = exchange.program != nullptr && exchange.program->any_credential && in.ok();
        if (!any) return deny(exchange, authenticated);
        call.credential = {};
    }
    if (exchange.program == nullptr) {
        if (known.high == 0) return accept(exchange, AcceptStatus::program_unavailable);
        return accept(exchange, AcceptedBody::make<AcceptStatus::program_mismatch>(known));
    }
    const auto& procedures = exchange.program->procedures;
    if (procedure >= procedures.size() || procedures[procedure].invoke == nullptr)
        return accept(exchange, AcceptStatus::procedure_unavailable);

    exchange.procedure = &procedures[procedure];
    exchange.arguments = in;
    call.program = exchange.program->id;
    call.procedure = exchange.procedure->id;
    if (exchange.procedure->id.replay == Replay::execute) return Verdict::worker;

    const auto body = exchange.request.subspan(sizeof call.xid);
    exchange.key = CallKey{call.caller.address, call.xid,           program, version, procedure,
                           body.size(),         body_checksum(body)};
    const auto begun = replies_.begin(*exchange.key, exchange.path);
    if (begun.seen == ReplyCache::Seen::first) return Verdict::worker;
    exchange.key.reset();
    return begun.seen == ReplyCache::Seen::answered ? repeat(exchange, begun.reply)
                                                    : Verdict::silent;
}

Verdict Dispatcher::repeat(Exchange& exchange, std::span<const std::byte> reply) {
    exchange.reply.clear();
    exchange.reply.fixed(reply);
    return Verdict::reply;
}

Verdict Dispatcher::attempt(Exchange& exchange) {
    return run(exchange, Patience::brief);
}

Verdict Dispatcher::finish(Exchange& exchange) {
    return run(exchange, Patience::ample);
}

Verdict Dispatcher::run(Exchange& exchange, Patience patience) {
    auto& call = exchange.call;
    call.patience = patience;
    const bool has_run_before = std::exchange(call.deferred, false);
    if (!has_run_before)
        for (const auto& observer : observers_) observer->before(call);
    write_success_header(exchange);
    auto arguments = exchange.arguments;
    auto status = AcceptStatus::success;
    try {
        const auto outcome =
            exchange.procedure->invoke(exchange.program->service, call, arguments, exchange.reply);
        if (outcome == Outcome::deferred) {
            assert(patience != Patience::ample);
            // What it had ready for its reply it will need again.
            exchange.reply_bytes_expected = exchange.arena.more_bytes();
            exchange.arena.reset();
            return Verdict::worker;
        }
        if (outcome == Outcome::garbage_arguments) status = AcceptStatus::garbage_arguments;
    } catch (const std::exception& error) {
        // Out of memory, or a defect: this call fails, the server goes on.
        spdlog::error("{} {} from {} failed: {}", call.program.name, call.procedure.name,
                      call.caller.text(), error.what());
        status = AcceptStatus::system_error;
    }
    if (status != AcceptStatus::success) accept(exchange, status);
    const bool is_silent = call.unanswered && status == AcceptStatus::success;
    if (is_silent) exchange.reply.clear();
    for (const auto& observer : observers_) observer->after(call, {status, exchange.reply.size()});
    settle(exchange, status);
    return is_silent ? Verdict::silent : Verdict::reply;
}

// Tells the reply cache how the call ended.
void Dispatcher::settle(Exchange& exchange, AcceptStatus status) {
    if (!exchange.key) return;
    const auto key = *std::exchange(exchange.key, {});
    try {
        if (!is_asking_again_later(exchange, status)) {
            exchange.newest_path = replies_.finish(key, in_one_piece(exchange));
            return;
        }
    } catch (const std::bad_alloc&) {
        spdlog::error("out of memory: a reply to {} is not remembered",
                      exchange.call.caller.text());
    }
    exchange.newest_path = replies_.abandon(key);
}

void Dispatcher::give_up(Exchange& exchange) {
    if (!exchange.key) return;
    replies_.abandon(*exchange.key);
    exchange.key.reset();
}

}  // namespace berth::rpc
