// Replies on their way out of one connection: each is a record of one fragment, and as many as
// there are leave in one gathered send. Used by the connection's thread.
#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include <sys/uio.h>

#include "rpc/exchange.hpp"

namespace berth::rpc::net {

class Outbox {
public:
    /// Called with each exchange whose reply has left.
    using Sent = std::function<void(ExchangePtr)>;

    void push(ExchangePtr exchange);
    [[nodiscard]] bool is_empty() const noexcept { return first_ == waiting_.size(); }
    /// Replies that have not wholly left.
    [[nodiscard]] std::size_t size() const noexcept { return waiting_.size() - first_; }
    /// Bytes not yet sent, record marks included.
    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

    /// The next pieces to send; fills at most all of `pieces`, gives how many.
    std::size_t gather(std::span<iovec> pieces) const;
    /// So many bytes have been sent.
    void sent(std::size_t count, const Sent& done);
    void clear(const Sent& done);

private:
    struct Waiting {
        std::array<std::byte, 4> mark;
        ExchangePtr exchange;
        [[nodiscard]] std::size_t size() const noexcept {
            return mark.size() + exchange->reply.size();
        }
    };

    std::vector<Waiting> waiting_;
    std::size_t first_ = 0;       // of waiting_: what is before has left
    std::size_t first_sent_ = 0;  // bytes of the first one that have left
    std::size_t bytes_ = 0;
};

}  // namespace berth::rpc::net
