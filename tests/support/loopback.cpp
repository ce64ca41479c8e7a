#include "tests/support/loopback.hpp"

#include <utility>

#include "tests/support/bytes.hpp"

namespace berth::test {

namespace {

constexpr int sendings_max = 4;

}  // namespace

Fate Loopback::next_fate() {
    if (fates_.empty()) return Fate::arrives;
    const auto fate = fates_.front();
    fates_.pop_front();
    return fate;
}

// Empty: the server keeps silent.
std::vector<std::byte> Loopback::answer(std::span<const std::byte> request) {
    const ExactCopy copy{request};
    exchange_.reset();
    exchange_.request = copy.bytes();
    exchange_.call.caller = from;
    exchange_.call.local = to;
    exchange_.call.transport = transport;
    auto verdict = dispatcher_.handle(exchange_);
    if (verdict == rpc::Verdict::guarded) verdict = dispatcher_.attempt(exchange_);
    if (verdict == rpc::Verdict::worker) verdict = dispatcher_.finish(exchange_);
    auto reply = verdict == rpc::Verdict::reply ? exchange_.reply.flat() : std::vector<std::byte>{};
    exchange_.reset();
    return reply;
}

boost::system::result<std::span<const std::byte>> Loopback::exchange(std::uint32_t /*xid*/,
                                                                     const xdr::Writer& message) {
    const auto request = message.flat();
    if (const auto late = std::exchange(late_copy_, {}); !late.empty()) answer(late);
    for (int sending = 0; sending < sendings_max; ++sending) {
        const auto fate = next_fate();
        if (fate == Fate::call_lost) continue;
        if (fate == Fate::comes_again) late_copy_ = request;
        if (fate == Fate::twice) answer(request);
        reply_ = answer(request);
        if (fate != Fate::reply_lost && !reply_.empty()) return std::span<const std::byte>{reply_};
    }
    return boost::system::errc::make_error_code(boost::system::errc::timed_out);
}

}  // namespace berth::test
