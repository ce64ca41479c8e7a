// The replies that wait to leave through one connection: each is a record of one fragment, and one
// gathered send takes as many as there are. Only the connection's thread uses it.
#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include <sys/uio.h>

#include "rpc/exchange.hpp"

namespace berth::rpc::net {

/// What stands before a record of one fragment — RFC 5531 §11.
using RecordMark = std::array<std::byte, 4>;
[[nodiscard]] RecordMark mark_of(const xdr::Writer& reply) noexcept;
/// Fills `pieces` with the record's pieces from `skip` on; returns how many it filled.
std::size_t gather_record(const RecordMark& mark, const xdr::Writer& reply, std::size_t skip,
                          std::span<iovec> pieces) noexcept;

class Outbox {
public:
    /// Called with each exchange whose reply has left.
    using Sent = std::function<void(ExchangePtr)>;

    /// A reply of which part has been sent (Exchange::bytes_sent) becomes the next to leave; no
    /// other may have been begun.
    void push(ExchangePtr exchange);
    /// Whether part of the next reply has been sent.
    [[nodiscard]] bool has_begun() const noexcept { return first_sent_ > 0; }
    [[nodiscard]] bool is_empty() const noexcept { return first_ == waiting_.size(); }
    /// Replies that have not been sent completely.
    [[nodiscard]] std::size_t size() const noexcept { return waiting_.size() - first_; }
    /// Bytes not yet sent, record marks included.
    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

    /// Counts the memory of replies that are not counted yet against the client.
    void charge(const Budget::AccountPtr& account) noexcept;

    /// Fills `pieces` with the next pieces to send; returns how many it filled. Small replies are
    /// copied into `copies` as far as there is room, and share a piece: the kernel takes longer
    /// over many short pieces.
    std::size_t gather(std::span<iovec> pieces, std::span<std::byte> copies = {}) const;
    /// `count` bytes have been sent.
    void sent(std::size_t count, const Sent& done);
    void clear(const Sent& done);

private:
    struct Waiting {
        RecordMark mark;
        ExchangePtr exchange;
        [[nodiscard]] std::size_t size() const noexcept {
            return mark.size() + exchange->reply.size();
        }
    };

    void push_begun(Waiting begun);

    std::vector<Waiting> waiting_;
    std::size_t first_ = 0;       // index in waiting_: those before it have been sent
    std::size_t charged_ = 0;     // index in waiting_: those before it have been counted
    std::size_t first_sent_ = 0;  // bytes of the first reply that have been sent
    std::size_t bytes_ = 0;
};

}  // namespace berth::rpc::net
