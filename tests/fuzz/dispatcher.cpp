// Any bytes as calls, over TCP and as datagrams, to all programs: no harm is done, what is answered
// is a reply as the RFCs have it, and a remembered procedure answers the same call alike twice.
//
// Input: calls, one behind the other, with the word `between` in between. In a call, a file handle
// of just the four bytes be 77 00 NN stands for handle number NN of the world.
#include <algorithm>
#include <cstddef>
#include <cstring>
#include <vector>

#include "tests/fuzz/support/expect.hpp"
#include "tests/fuzz/support/tables.hpp"
#include "tests/fuzz/support/world.hpp"
#include "tests/support/bytes.hpp"

namespace berth::fuzz {
namespace {

using Bytes = std::vector<std::byte>;

constexpr std::uint32_t between = 0xCA11CA11;
constexpr std::uint32_t handle_mark = 0xBE770000;
constexpr std::size_t datagram_bytes_max = 65507;  // what IPv4 carries

std::uint32_t word_at(std::span<const std::byte> bytes, std::size_t at) {
    return xdr::Reader{bytes.subspan(at, 4)}.u32();
}

/// The call with the handles in their place, from one place of words to the next mark of the end.
Bytes next_call(std::span<const std::byte>& input, const std::vector<Bytes>& handles) {
    Bytes call;
    while (!input.empty()) {
        const auto size = std::min<std::size_t>(4, input.size());
        const auto piece = input.first(size);
        input = input.subspan(size);
        const auto word = size == 4 ? word_at(piece, 0) : 0;
        if (word == between) break;
        const bool is_handle = (word & 0xFFFFFF00) == handle_mark && call.size() >= 4 &&
                               word_at(call, call.size() - 4) == 4;
        if (is_handle) {
            call.erase(call.end() - 4, call.end());
            const auto handle =
                test::encoded(xdr::Opaque<>{handles[(word & 0xFF) % handles.size()]});
            call.insert(call.end(), handle.begin(), handle.end());
        } else {
            call.insert(call.end(), piece.begin(), piece.end());
        }
    }
    return call;
}

struct Answered {
    Bytes reply;
    const rpc::Program* program = nullptr;
    const rpc::Program::Procedure* procedure = nullptr;
    bool is_to_be_forgotten = false;
};

Answered answer(World& world, std::span<const std::byte> call, rpc::Transport transport) {
    static const auto local = *rpc::Address::parse("127.0.0.1");
    const test::ExactCopy copy{call};
    rpc::Exchange exchange;
    exchange.request = copy.bytes();
    exchange.call.transport = transport;
    exchange.call.caller = {.address = local, .port = 700};
    exchange.call.local = {.address = local, .port = 2049};
    auto verdict = world.dispatcher.handle(exchange);
    if (verdict == rpc::Verdict::guarded) verdict = world.dispatcher.attempt(exchange);
    if (verdict == rpc::Verdict::worker) verdict = world.dispatcher.finish(exchange);
    expect(verdict == rpc::Verdict::reply || verdict == rpc::Verdict::silent);
    expect((verdict == rpc::Verdict::reply) == (exchange.reply.size() != 0));
    return {exchange.reply.flat(), exchange.program, exchange.procedure,
            exchange.call.reply_forgotten};
}

const rpc::AcceptedReply* accepted(const rpc::Message& message) {
    const auto* reply = message.body.get_if<rpc::MessageType::reply>();
    return reply != nullptr ? reply->get_if<rpc::ReplyStatus::accepted>() : nullptr;
}

/// Whether the reply is a procedure's result; a malformed reply is a finding.
bool check(std::span<const std::byte> call, const Answered& answered) {
    const auto& reply = answered.reply;
    expect(reply.size() % 4 == 0);
    xdr::Reader in{reply};
    rpc::Message message;
    xdr::decode(in, message);
    expect(in.ok());
    expect(message.xid == word_at(call, 0));
    expect(message.body.get_if<rpc::MessageType::reply>() != nullptr);
    const auto* body = accepted(message);
    if (body == nullptr || body->body.discriminant() != rpc::AcceptStatus::success) {
        expect(in.rest().empty());
        // Nothing in a call is a reason for the server to fail.
        expect(body == nullptr || body->body.discriminant() != rpc::AcceptStatus::system_error);
        return false;
    }
    const auto* line = procedure(answered.program->id.number, answered.program->id.version,
                                 answered.procedure->id.number);
    if (line == nullptr) {
        expect(answered.procedure->id.number == 0 && in.rest().empty());
        return true;
    }
    const auto decoded = line->results(in.rest());
    expect(decoded.ok && decoded.left_bytes == 0);
    expect(std::ranges::equal(decoded.again, in.rest()));
    return true;
}

void call(World& world, std::span<const std::byte> call) {
    // The xid's last bit chooses, so that what a mutation does to it is worth something.
    const bool is_datagram = call.size() >= 4 && (word_at(call, 0) & 1) != 0;
    const auto transport = is_datagram ? rpc::Transport::udp : rpc::Transport::tcp;
    const auto first = answer(world, call, transport);
    if (first.reply.empty()) return;
    expect(!is_datagram || first.reply.size() <= datagram_bytes_max);
    if (!check(call, first)) return;
    if (first.procedure->id.replay != rpc::Replay::remember || first.is_to_be_forgotten) return;
    expect(answer(world, call, transport).reply == first.reply);
}

}  // namespace
}  // namespace berth::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace berth;
    fuzz::World world;
    auto rest = fuzz::input(data, size);
    while (!rest.empty()) fuzz::call(world, fuzz::next_call(rest, world.handles));
    return 0;
}
