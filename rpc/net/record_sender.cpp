#include "rpc/net/record_sender.hpp"

#include <array>
#include <cerrno>

#include <sys/socket.h>

namespace berth::rpc::net {
namespace {

// The bytes that the socket has taken; -1 and errno as sendmsg() has it.
ssize_t send_pieces(int descriptor, std::span<iovec> pieces, int more_flags = 0) noexcept {
    const int flags = MSG_NOSIGNAL | MSG_DONTWAIT | more_flags;
    msghdr message{};
    message.msg_iov = pieces.data();
    message.msg_iovlen = pieces.size();
    ssize_t count = 0;
    do
        count = pieces.size() == 1
                    ? ::send(descriptor, pieces[0].iov_base, pieces[0].iov_len, flags)
                    : ::sendmsg(descriptor, &message, flags);
    while (count < 0 && errno == EINTR);
    return count;
}

}  // namespace

RecordSender::End RecordSender::send(Outbox& outbox, const Outbox::Sent& done,
                                     const std::function<void()>& moved) {
    constexpr std::size_t pieces_max = 256;
    constexpr std::size_t copied_bytes_max = 16384;
    std::array<iovec, pieces_max> pieces;
    std::array<std::byte, copied_bytes_max> copies;
    const std::scoped_lock held{lock_};
    if (is_begun_ && !outbox.has_begun()) return End::must_wait;
    is_begun_ = false;
    while (!outbox.is_empty()) {
        const auto count = outbox.gather(pieces, copies);
        const auto sent = send_pieces(descriptor_, std::span{pieces}.first(count));
        if (sent < 0) {
            is_blocked_ = true;
            return errno == EAGAIN ? End::would_block : End::failed;
        }
        moved();
        outbox.sent(static_cast<std::size_t>(sent), done);
    }
    is_blocked_ = false;
    return End::sent;
}

RecordSender::Now RecordSender::send_now(Exchange& exchange) noexcept {
    constexpr std::size_t pieces_max = 32;
    std::array<iovec, pieces_max> pieces;
    const auto mark = mark_of(exchange.reply);
    const auto count = gather_record(mark, exchange.reply, 0, pieces);
    if (count == pieces_max) return Now::refused;  // there may be more
    const std::scoped_lock held{lock_};
    if (!is_open_ || is_blocked_ || is_begun_) return Now::refused;
    const auto sent = send_pieces(descriptor_, std::span{pieces}.first(count));
    if (sent < 0) return Now::refused;
    exchange.bytes_sent = static_cast<std::size_t>(sent);
    if (exchange.bytes_sent == mark.size() + exchange.reply.size()) return Now::sent;
    is_begun_ = true;
    return Now::begun;
}

RecordSender::End RecordSender::send_part(const Part& part, std::size_t& sent) {
    sent = 0;
    std::array pieces{iovec{const_cast<std::byte*>(part.bytes.data()), part.bytes.size()}};
    const std::scoped_lock held{lock_};
    if (is_begun_) return End::must_wait;
    is_blocked_ = true;
    const auto count = send_pieces(descriptor_, pieces, part.is_one_packet ? MSG_EOR : 0);
    if (count < 0) return errno == EAGAIN ? End::would_block : End::failed;
    sent = static_cast<std::size_t>(count);
    if (sent < part.bytes.size()) return End::would_block;
    is_blocked_ = !part.ends_record;
    return End::sent;
}

void RecordSender::close() noexcept {
    const std::scoped_lock held{lock_};
    is_open_ = false;
}

}  // namespace berth::rpc::net
