#include "rpc/net/outbox.hpp"

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <cstring>
#include <utility>

#include <arpa/inet.h>

namespace berth::rpc::net {

RecordMark mark_of(const xdr::Writer& reply) noexcept {
    constexpr std::uint32_t last_fragment_bit = 0x80000000;
    const auto word = htonl(last_fragment_bit | static_cast<std::uint32_t>(reply.size()));
    RecordMark mark;
    std::memcpy(mark.data(), &word, sizeof word);
    return mark;
}

std::size_t gather_record(const RecordMark& mark, const xdr::Writer& reply, std::size_t skip,
                          std::span<iovec> pieces) noexcept {
    std::size_t count = 0;
    const auto add = [&](std::span<const std::byte> piece) {
        if (skip >= piece.size()) {
            skip -= piece.size();
            return;
        }
        if (count < pieces.size())
            pieces[count++] = {const_cast<std::byte*>(piece.data()) + skip, piece.size() - skip};
        skip = 0;
    };
    add(mark);
    reply.segments(add);
    return count;
}

namespace {

/// For a reply in one piece: writes the record from `skip` on to `to`.
void copy_record(const RecordMark& mark, const xdr::Writer& reply, std::size_t skip,
                 std::span<std::byte> to) noexcept {
    const auto of_mark = std::span{mark}.subspan(std::min(skip, mark.size()));
    std::memcpy(to.data(), of_mark.data(), of_mark.size());
    const auto of_reply = to.subspan(of_mark.size());
    reply.segments([&](std::span<const std::byte> whole) {
        std::memcpy(of_reply.data(), whole.data() + whole.size() - of_reply.size(),
                    of_reply.size());
    });
}

const std::byte* end_of(const iovec& piece) noexcept {
    return static_cast<const std::byte*>(piece.iov_base) + piece.iov_len;
}

}  // namespace

void Outbox::push(ExchangePtr exchange) {
    const auto mark = mark_of(exchange->reply);
    Waiting added{mark, std::move(exchange)};
    const auto sent = added.exchange->bytes_sent;
    const auto bytes = added.size() - sent;
    if (sent == 0) {
        waiting_.push_back(std::move(added));
    } else {
        assert(!has_begun());
        push_begun(std::move(added));
        first_sent_ = sent;
    }
    bytes_ += bytes;
}

void Outbox::push_begun(Waiting begun) {
    if (first_ > 0) {
        waiting_[--first_] = std::move(begun);
    } else {
        waiting_.insert(waiting_.begin(), std::move(begun));
        charged_ = 0;
    }
}

void Outbox::charge(const Budget::AccountPtr& account) noexcept {
    for (auto i = std::max(first_, charged_); i < waiting_.size(); ++i)
        waiting_[i].exchange->charge(account);
    charged_ = waiting_.size();
}

std::size_t Outbox::gather(std::span<iovec> pieces, std::span<std::byte> copies) const {
    constexpr std::size_t small_bytes = 512;
    std::size_t count = 0;
    auto skip = first_sent_;
    for (auto i = first_; i < waiting_.size() && count < pieces.size(); ++i) {
        const auto& [mark, exchange] = waiting_[i];
        const auto bytes = waiting_[i].size();
        if (bytes > small_bytes || bytes > copies.size() || !exchange->reply.owns_all()) {
            count += gather_record(mark, exchange->reply, skip, pieces.subspan(count));
        } else {
            const auto copy = copies.first(bytes - skip);
            copies = copies.subspan(copy.size());
            copy_record(mark, exchange->reply, skip, copy);
            if (count > 0 && end_of(pieces[count - 1]) == copy.data())
                pieces[count - 1].iov_len += copy.size();
            else
                pieces[count++] = {copy.data(), copy.size()};
        }
        skip = 0;
    }
    return count;
}

void Outbox::sent(std::size_t count, const Sent& done) {
    bytes_ -= count;
    count += first_sent_;
    while (first_ < waiting_.size() && count >= waiting_[first_].size()) {
        count -= waiting_[first_].size();
        done(std::move(waiting_[first_].exchange));
        ++first_;
    }
    first_sent_ = count;
    if (is_empty()) {
        waiting_.clear();
        first_ = charged_ = 0;
    } else if (first_ >= 1024) {
        waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(first_));
        charged_ -= std::min(charged_, first_);
        first_ = 0;
    }
}

void Outbox::clear(const Sent& done) {
    for (; first_ < waiting_.size(); ++first_) done(std::move(waiting_[first_].exchange));
    waiting_.clear();
    first_ = charged_ = first_sent_ = bytes_ = 0;
}

}  // namespace berth::rpc::net
