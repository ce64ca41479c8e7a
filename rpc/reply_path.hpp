// The path by which a reply goes back: a TCP connection or a UDP socket.
#pragma once

#include <memory>

namespace berth::rpc {

struct Exchange;
using ExchangePtr = std::unique_ptr<Exchange>;

class ReplyPath {
public:
    ReplyPath() = default;
    ReplyPath(const ReplyPath&) = delete;
    ReplyPath& operator=(const ReplyPath&) = delete;
    virtual ~ReplyPath() = default;

    /// Keeps the path alive.
    [[nodiscard]] virtual std::shared_ptr<ReplyPath> keep() = 0;
    /// Takes a call that a worker has finished, with or without a reply in it. Any thread.
    virtual void deliver(ExchangePtr finished) = 0;
    /// A worker has failed with a call, for want of memory say: it will never be delivered, so that
    /// its client must send it again. Any thread.
    virtual void lose_call() noexcept = 0;
    /// An interceptor has the client see its connection reset. Any thread.
    virtual void reset() noexcept {}
};

}  // namespace berth::rpc
