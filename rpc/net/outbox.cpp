#include "rpc/net/outbox.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include <arpa/inet.h>

namespace berth::rpc::net {

void Outbox::push(ExchangePtr exchange) {
    constexpr std::uint32_t last_fragment_bit = 0x80000000;
    const auto mark = htonl(last_fragment_bit | static_cast<std::uint32_t>(exchange->reply.size()));
    auto& added = waiting_.emplace_back(Waiting{{}, std::move(exchange)});
    std::memcpy(added.mark.data(), &mark, sizeof mark);
    bytes_ += added.size();
}

void Outbox::charge(const Budget::AccountPtr& account) noexcept {
    for (auto i = std::max(first_, charged_); i < waiting_.size(); ++i)
        waiting_[i].exchange->charge(account);
    charged_ = waiting_.size();
}

std::size_t Outbox::gather(std::span<iovec> pieces) const {
    std::size_t count = 0;
    auto skip = first_sent_;
    const auto add = [&](std::span<const std::byte> piece) {
        if (skip >= piece.size()) {
            skip -= piece.size();
            return;
        }
        if (count < pieces.size())
            pieces[count++] = {const_cast<std::byte*>(piece.data()) + skip, piece.size() - skip};
        skip = 0;
    };
    for (auto i = first_; i < waiting_.size() && count < pieces.size(); ++i) {
        add(waiting_[i].mark);
        waiting_[i].exchange->reply.segments(add);
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
