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

    /// Takes a call that a worker has finished, with or without a reply in it. Any thread.
    virtual void deliver(ExchangePtr finished) = 0;
};

}  // namespace berth::rpc
