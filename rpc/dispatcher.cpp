#include "rpc/dispatcher.hpp"

#include <algorithm>
#include <cassert>
#include <exception>
#include <new>
#include <utility>

#include "rpc/batch.hpp"
#include "rpc/credential.hpp"
#include "rpc/peer_log.hpp"
#include "rpc/reply.hpp"
#include "xdr/codec.hpp"

namespace berth::rpc {

namespace {

Arrival refuse(Exchange& exchange, AcceptedBody body) {
    write_accepted(exchange, std::move(body));
    return Arrival::refused;
}

Arrival refuse(Exchange& exchange, AcceptStatus status) {
    return refuse(exchange, AcceptedBody::otherwise(status));
}

/// For a call whose credential is refused: how the client can do without.
void tell_of_flavor(const Call& call, xdr::Reader credential) noexcept {
    const auto& client = call.caller.address;
    switch (static_cast<AuthFlavor>(credential.u32())) {
    case AuthFlavor::gss:
        warn_rarely_of(client,
                       "{} calls with RPCSEC_GSS (Kerberos), which berth has not: mount with "
                       "sec=sys",
                       client);
        break;
    case AuthFlavor::tls:
        info_rarely_of(client, "{} asks for TLS, which berth has not: mount without xprtsec",
                       client);
        break;
    case AuthFlavor::none:
    case AuthFlavor::sys:
    case AuthFlavor::short_hand: break;
    }
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

void Dispatcher::tell_of_other_version(const Call& call) const noexcept {
    for (const auto& program : programs_)
        if (program.id.number == call.program.number && program.asked_for_other_version != nullptr)
            return program.asked_for_other_version(call);
}

Verdict Dispatcher::handle(Exchange& exchange) {
    const auto arrival = admit(exchange);
    if (!arrival) return Verdict::silent;
    const auto* const interceptors = interceptors_.load(std::memory_order_acquire);
    if (interceptors == nullptr) return go_on(exchange, *arrival);
    const auto number = intercepted_.fetch_add(1, std::memory_order_relaxed) + 1;
    auto& interception = exchange.interception;
    interception.begin(*interceptors, exchange, number, *arrival);
    return interception.decision.delay().count() > 0 ? Verdict::delayed : resume(exchange);
}

void Dispatcher::intercept(const std::shared_ptr<Interceptor>& interceptor) {
    const std::scoped_lock held{interceptors_lock_};
    const auto* const now = interceptors_.load();
    auto next = now == nullptr ? Interceptors{} : *now;
    if (std::ranges::find(next, interceptor) == next.end()) next.push_back(interceptor);
    use(std::move(next));
}

void Dispatcher::intercept_no_more(const Interceptor& interceptor) {
    const std::scoped_lock held{interceptors_lock_};
    const auto* const now = interceptors_.load();
    auto next = now == nullptr ? Interceptors{} : *now;
    std::erase_if(next, [&](const auto& one) { return one.get() == &interceptor; });
    use(std::move(next));
}

void Dispatcher::use(Interceptors interceptors) {
    if (interceptors.empty()) return interceptors_.store(nullptr, std::memory_order_release);
    auto found = std::ranges::find(interceptor_lists_, interceptors);
    if (found == interceptor_lists_.end())
        found = interceptor_lists_.insert(interceptor_lists_.end(), std::move(interceptors));
    interceptors_.store(&*found, std::memory_order_release);
}

// Carries out what the interceptors have decided.
Verdict Dispatcher::resume(Exchange& exchange) {
    constexpr std::chrono::milliseconds between_looks_at_gate{5};
    auto& interception = exchange.interception;
    auto& decision = interception.decision;
    if (interception.is_held()) {
        decision = std::move(decision).after(between_looks_at_gate);
        return Verdict::delayed;
    }
    if (decision.act() == Decision::Act::go_on) {
        const auto arrival = interception.call().arrival();
        if (arrival != Arrival::to_run)
            interception.end(arrival == Arrival::in_progress ? Ending::unanswered
                                                             : Ending::answered);
        return go_on(exchange, arrival);
    }
    exchange.reply.clear();
    switch (decision.act()) {
    case Decision::Act::refuse: write_accepted(exchange, decision.refusal()); break;
    case Decision::Act::deny: write_denied(exchange, decision.denial()); break;
    case Decision::Act::answer: Reply{exchange}.replace(decision.results()); break;
    case Decision::Act::close:
        if (const auto& path = exchange.keep_path()) path->lose_call();
        break;
    case Decision::Act::reset:
        if (const auto& path = exchange.keep_path()) path->reset();
        break;
    case Decision::Act::drop:
    case Decision::Act::go_on: break;
    }
    const bool is_silent = exchange.reply.size() == 0;
    interception.end(is_silent ? Ending::unanswered : Ending::answered);
    auto newest_path = exchange.entry.abandon();
    if (is_silent) return Verdict::silent;
    exchange.newest_path = std::move(newest_path);
    return Verdict::reply;
}

Verdict Dispatcher::go_on(Exchange& exchange, Arrival arrival) {
    switch (arrival) {
    case Arrival::refused:
    case Arrival::repeated: return Verdict::reply;
    case Arrival::in_progress: return Verdict::silent;
    case Arrival::to_run: break;
    }
    constexpr std::size_t ordinary_bytes = std::size_t{64} << 10;
    constexpr std::size_t transfer_bytes = std::size_t{1} << 20;
    const auto& id = exchange.procedure->id;
    switch (id.runs) {
    case Runs::on_worker:
        exchange.reply_bytes_expected =
            id.length == Length::ordinary ? ordinary_bytes : transfer_bytes;
        return Verdict::worker;
    case Runs::guarded: return Verdict::guarded;
    case Runs::promptly:
    case Runs::or_defers: break;
    }
    return run(exchange, Where::network_thread);
}

// Everything before the handler, in the order of RFC 5531 §9: RPC version, credential, program,
// version, procedure. Empty: the message is not a call.
std::optional<Arrival> Dispatcher::admit(Exchange& exchange) {
    auto& call = exchange.call;
    xdr::Reader in{exchange.request};
    call.xid = in.u32();
    const auto type = in.u32();
    const auto version_of_rpc = in.u32();
    const auto program = in.u32();
    const auto version = in.u32();
    const auto procedure = in.u32();
    if (!in.ok() || type != static_cast<std::uint32_t>(MessageType::call)) return {};
    call.program = {.number = program, .version = version, .name = {}};
    call.procedure = {.number = procedure, .name = {}};
    if (version_of_rpc != rpc_version) {
        write_denied(exchange, RejectedReply::make<RejectStatus::rpc_mismatch>(
                                   {.low = rpc_version, .high = rpc_version}));
        return Arrival::refused;
    }

    const auto credential = in;
    const auto authenticated = read_credential(in, procedure == 0, call.credential);
    MismatchInfo known;
    exchange.program = find(program, version, known);
    if (authenticated != AuthStatus::ok) {
        const bool any = exchange.program != nullptr && exchange.program->any_credential && in.ok();
        if (!any) {
            write_denied(exchange, authenticated);
            tell_of_flavor(call, credential);
            return Arrival::refused;
        }
        call.credential = {};
    }
    if (exchange.program == nullptr) {
        if (known.high == 0) return refuse(exchange, AcceptStatus::program_unavailable);
        tell_of_other_version(call);
        return refuse(exchange, AcceptedBody::make<AcceptStatus::program_mismatch>(known));
    }
    const auto& procedures = exchange.program->procedures;
    if (procedure >= procedures.size() || procedures[procedure].invoke == nullptr)
        return refuse(exchange, AcceptStatus::procedure_unavailable);

    exchange.procedure = &procedures[procedure];
    exchange.arguments = in;
    call.program = exchange.program->id;
    call.procedure = exchange.procedure->id;
    if (exchange.procedure->id.replay == Replay::execute) return Arrival::to_run;

    const auto body = exchange.request.subspan(sizeof call.xid);
    const CallKey key{call.caller.address, call.xid,           program, version, procedure,
                      body.size(),         body_checksum(body)};
    const auto begun = replies_.begin(key, exchange.keep_path());
    if (begun.seen == ReplyCache::Seen::first) {
        exchange.entry = ReplyCache::Entry{replies_, key};
        return Arrival::to_run;
    }
    if (begun.seen != ReplyCache::Seen::answered) return Arrival::in_progress;
    exchange.reply.clear();
    exchange.reply.fixed(begun.reply);
    return Arrival::repeated;
}

Verdict Dispatcher::attempt(Exchange& exchange) {
    return run(exchange, Where::section);
}

Verdict Dispatcher::finish(Exchange& exchange) {
    return run(exchange, Where::worker);
}

Verdict Dispatcher::finish_late(Exchange& exchange) {
    exchange.call.is_late = true;
    exchange.call.forget_reply();
    return run(exchange, Where::worker);
}

Verdict Dispatcher::run(Exchange& exchange, Where where) {
    auto& call = exchange.call;
    call.where = where;
    call.deferred = false;
    const bool is_intercepted = static_cast<bool>(exchange.interception);
    if (is_intercepted) exchange.interception.run();
    Batch::begin_call(call.program.number);
    write_success_header(exchange);
    auto arguments = exchange.arguments;
    auto status = AcceptStatus::success;
    try {
        const auto outcome =
            exchange.procedure->invoke(exchange.program->service, call, arguments, exchange.reply);
        if (outcome == Outcome::deferred) {
            assert(where != Where::worker || call.is_late);
            // The second run will need as much memory for its reply as the first one had.
            exchange.reply_bytes_expected = exchange.arena.more_bytes();
            exchange.arena.reset();
            return Verdict::worker;
        }
        if (outcome == Outcome::garbage_arguments) status = AcceptStatus::garbage_arguments;
    } catch (const std::exception& error) {
        // Out of memory, or a defect: this call fails; the server goes on.
        error_of(call.caller.address, "{} {} from {} failed: {}", call.program.name,
                 call.procedure.name, call.caller, error.what());
        status = AcceptStatus::system_error;
    }
    if (status != AcceptStatus::success) write_accepted(exchange, status);
    const bool is_silent = call.unanswered && status == AcceptStatus::success;
    if (is_silent) exchange.reply.clear();
    if (is_intercepted)
        exchange.interception.end(is_silent ? Ending::unanswered : Ending::answered);
    settle(exchange, status);
    return is_silent ? Verdict::silent : Verdict::reply;
}

// Tells the reply cache how the call ended.
void Dispatcher::settle(Exchange& exchange, AcceptStatus status) {
    if (!exchange.entry) return;
    try {
        if (!is_asking_again_later(exchange, status)) {
            exchange.newest_path = exchange.entry.finish(in_one_piece(exchange));
            return;
        }
    } catch (const std::bad_alloc&) {
        const auto& caller = exchange.call.caller;
        error_of(caller.address, "out of memory: a reply to {} is not remembered", caller);
    }
    exchange.newest_path = exchange.entry.abandon();
}

void Dispatcher::give_up(Exchange& exchange) {
    exchange.entry.abandon();
}

}  // namespace berth::rpc
