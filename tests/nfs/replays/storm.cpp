#include "tests/nfs/replays/storm.hpp"

#include <algorithm>
#include <limits>

#include "tests/support/bytes.hpp"

namespace berth::nfs {

StormChannel::StormChannel(rpc::Transport transport, const rpc::Endpoint& server,
                           std::uint64_t seed, std::uint32_t first_xid)
    : transport_(transport),
      server_(server),
      random_(seed),
      next_xid_(first_xid) {}

boost::system::result<std::span<const std::byte>>
StormChannel::exchange(std::uint32_t /*xid*/, const xdr::Writer& message) {
    const auto xid = next_xid_++;
    auto request = message.flat();
    std::ranges::copy(test::encoded(xid), request.begin());
    send_late(++exchanges_);

    const auto give_up = std::chrono::steady_clock::now() + test::patience;
    for (std::chrono::milliseconds patience{20}; std::chrono::steady_clock::now() < give_up;) {
        if (!send_or_not(request)) continue;
        if (happens()) continue;  // the reply is late: it comes after another copy has gone out
        auto reply = await_reply(xid, patience);
        if (!reply) {
            // Lost with a connection, unless the server is slow.
            patience = std::min(patience * 2, std::chrono::milliseconds{1000});
            continue;
        }
        if (happens()) continue;  // lost
        reply_ = *std::move(reply);
        return std::span<const std::byte>{reply_};
    }
    return boost::system::errc::make_error_code(boost::system::errc::timed_out);
}

bool StormChannel::send_or_not(const Bytes& request) {
    if (happens()) return false;  // lost
    if (happens()) {
        late_.push_back({exchanges_ + 1 + random_() % 4, request});
        return false;
    }
    send(request);
    if (happens()) send(request);
    if (happens()) {
        hang_up();
        return false;
    }
    return true;
}

void StormChannel::send(const Bytes& request) {
    const bool is_stream = transport_ == rpc::Transport::tcp;
    if (!socket_)
        socket_ = std::make_unique<rpc::Socket>(is_stream ? SOCK_STREAM : SOCK_DGRAM, server_);
    socket_->send(is_stream ? rpc::RawClient::record(request) : request);
}

void StormChannel::send_late(std::uint64_t due) {
    std::erase_if(late_, [&](const Late& late) {
        if (late.due <= due) send(late.request);
        return late.due <= due;
    });
}

// The next connection comes from another port.
void StormChannel::hang_up() {
    if (transport_ == rpc::Transport::tcp && random_() % 2 == 0) socket_->reset();
    socket_.reset();
    received_.clear();
}

std::optional<StormChannel::Bytes> StormChannel::await_reply(std::uint32_t xid,
                                                             std::chrono::milliseconds patience) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    for (;;) {
        while (auto reply = take_reply())
            if (xdr::Reader{*reply}.u32() == xid) return reply;
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(
            deadline - std::chrono::steady_clock::now());
        if (left.count() <= 0 || !socket_->is_readable(left)) return {};
        const auto more = socket_->receive();
        if (more.empty()) throw std::runtime_error{"the server has hung up"};
        received_.insert(received_.end(), more.begin(), more.end());
    }
}

/// The next whole reply received.
std::optional<StormChannel::Bytes> StormChannel::take_reply() {
    if (received_.empty()) return {};
    if (transport_ == rpc::Transport::udp) return std::exchange(received_, {});
    constexpr std::size_t mark_bytes = 4;
    const auto mark = xdr::Reader{received_}.u32();
    const auto size = mark_bytes + (mark & 0x7FFFFFFF);
    if (received_.size() < mark_bytes || received_.size() < size) return {};
    const auto end = received_.begin() + static_cast<std::ptrdiff_t>(size);
    Bytes reply(received_.begin() + mark_bytes, end);
    received_.erase(received_.begin(), end);
    return reply;
}

void StormChannel::calm() {
    send_late(std::numeric_limits<std::uint64_t>::max());
    is_calm_ = true;
}

}  // namespace berth::nfs
