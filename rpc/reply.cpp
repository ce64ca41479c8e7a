#include "rpc/reply.hpp"

#include <algorithm>
#include <utility>

#include "rpc/exchange.hpp"
#include "xdr/codec.hpp"

namespace berth::rpc {

namespace {

// Replies of this server never have another verifier.
struct SuccessHeader {
    std::uint32_t xid = 0;
    MessageType type = MessageType::reply;
    ReplyStatus status = ReplyStatus::accepted;
    AuthFlavor verifier_flavor = AuthFlavor::none;
    std::uint32_t verifier_bytes = 0;
    AcceptStatus accept_status = AcceptStatus::success;
};
constexpr std::size_t header_bytes = 24;
constexpr std::size_t reply_status_at = 8;
constexpr std::size_t accept_status_at = 20;

void write(Exchange& exchange, ReplyBody body) {
    Message message{.xid = exchange.call.xid, .body = {}};
    message.body = decltype(message.body)::make<MessageType::reply>(std::move(body));
    exchange.reply.clear();
    xdr::encode(exchange.reply, message);
}

}  // namespace

void write_accepted(Exchange& exchange, AcceptedBody body) {
    write(exchange,
          ReplyBody::make<ReplyStatus::accepted>({.verifier = {}, .body = std::move(body)}));
}

void write_accepted(Exchange& exchange, AcceptStatus status) {
    write_accepted(exchange, AcceptedBody::otherwise(status));
}

void write_denied(Exchange& exchange, RejectedReply body) {
    write(exchange, ReplyBody::make<ReplyStatus::denied>(std::move(body)));
}

void write_denied(Exchange& exchange, AuthStatus status) {
    write_denied(exchange, RejectedReply::make<RejectStatus::authentication_error>(status));
}

void write_success_header(Exchange& exchange) {
    exchange.reply.clear();
    xdr::encode(exchange.reply, SuccessHeader{.xid = exchange.call.xid});
}

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

std::size_t Reply::bytes() const noexcept {
    return exchange_.reply.size();
}

std::optional<AcceptStatus> Reply::accept_status() const noexcept {
    std::optional<AcceptStatus> found;
    bool is_first = true;
    // The header is written, not referenced, so it is in the first piece.
    exchange_.reply.segments([&](std::span<const std::byte> piece) {
        if (!std::exchange(is_first, false) || piece.size() < header_bytes) return;
        const auto is_denied = xdr::Reader{piece.subspan(reply_status_at)}.u32() != 0;
        if (!is_denied) found = AcceptStatus{xdr::Reader{piece.subspan(accept_status_at)}.u32()};
    });
    return found;
}

std::optional<std::uint32_t> Reply::status() {
    const auto* const procedure = exchange_.procedure;
    if (procedure == nullptr || procedure->status_of == nullptr) return {};
    const auto encoded = results();
    if (encoded.data() == nullptr) return {};
    return procedure->status_of(xdr::Reader{encoded});
}

std::span<const std::byte> Reply::results() {
    if (accept_status() != AcceptStatus::success) return {};
    return in_one_piece(exchange_).subspan(header_bytes);
}

void Reply::replace(std::span<const std::byte> results) {
    const auto copy = exchange_.arena.bytes(results.size());  // the source may lie in the reply
    std::ranges::copy(results, copy.begin());
    write_success_header(exchange_);
    exchange_.reply.fixed(copy);
}

}  // namespace berth::rpc
