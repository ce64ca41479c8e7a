#include "rpc/correspondents.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace berth::rpc {

Correspondents::Correspondents(std::function<Clock::time_point()> now) : now_(std::move(now)) {}

Correspondents::~Correspondents() = default;

// Connected addresses are skipped. The table therefore exceeds addresses_max by little more than
// their number.
void Correspondents::make_room() {
    constexpr int looks_max = 64;
    if (entries_.size() < addresses_max) return;
    for (int look = 0; look < looks_max; ++look) {
        const auto oldest = entries_.find(order_.front());
        if (oldest->second.connections == 0) {
            order_.pop_front();
            entries_.erase(oldest);
            return;
        }
        order_.splice(order_.end(), order_, order_.begin());
    }
}

Correspondents::Entry& Correspondents::entry_of(const Address& address, Clock::time_point now) {
    auto found = entries_.find(address);
    if (found == entries_.end()) {
        make_room();
        std::list<Address> place{address};  // first: without memory there is no entry without it
        found = entries_.try_emplace(address).first;
        found->second.place = place.begin();
        order_.splice(order_.end(), place);
    }
    auto& entry = found->second;
    if (now - entry.heard_at > credit_lasts) entry.credit_bytes = entry.credit_datagrams = 0;
    entry.heard_at = now;
    order_.splice(order_.end(), order_, entry.place);
    return entry;
}

std::size_t Correspondents::heard(const Address& from, std::size_t bytes) {
    const auto now = now_();
    const std::lock_guard guard{lock_};
    auto& entry = entry_of(from, now);
    entry.credit_bytes = std::min(entry.credit_bytes + bytes, credit_bytes_max);
    entry.credit_datagrams = std::min(entry.credit_datagrams + 1, credit_datagrams_max);
    if (now < entry.shown_until) return std::numeric_limits<std::size_t>::max();
    return reply_factor_max * bytes;
}

unsigned Correspondents::taken_up(const Address& from, std::uint64_t token) {
    const auto now = now_();
    const std::lock_guard guard{lock_};
    const auto found = entries_.find(from);
    if (found == entries_.end()) return 0;
    auto& entry = found->second;
    for (auto& given : entry.tokens) {
        if (given.link == 0 || given.token != token) continue;
        const auto link = std::exchange(given.link, 0U);
        if (link >= links_wanted) entry.shown_until = now + shown_lasts;
        return link;
    }
    return 0;
}

void Correspondents::given_out(const Address& to, std::uint64_t token, unsigned link) {
    const std::lock_guard guard{lock_};
    const auto found = entries_.find(to);
    if (found == entries_.end()) return;
    auto& entry = found->second;
    entry.tokens[entry.next_token++ % entry.tokens.size()] = {token, link + 1};
}

bool Correspondents::spend(const Address& to, std::size_t datagrams, std::size_t bytes) {
    const auto now = now_();
    const std::lock_guard guard{lock_};
    const auto found = entries_.find(to);
    if (found == entries_.end()) return false;
    auto& entry = found->second;
    if (entry.connections > 0 || now < entry.connected_until) return true;
    if (now - entry.heard_at > credit_lasts) return false;
    // Strictly less than what came.
    if (entry.credit_datagrams <= datagrams || entry.credit_bytes <= bytes) return false;
    entry.credit_datagrams -= datagrams;
    entry.credit_bytes -= bytes;
    return true;
}

void Correspondents::connected(const Address& peer) {
    const auto now = now_();
    const std::lock_guard guard{lock_};
    ++entry_of(peer, now).connections;
}

void Correspondents::disconnected(const Address& peer) {
    const auto now = now_();
    const std::lock_guard guard{lock_};
    auto& entry = entries_.at(peer);
    entry.connected_until = now + credit_lasts;
    --entry.connections;
    order_.splice(order_.end(), order_, entry.place);
}

Correspondents::Connection::Connection(Correspondents& all, const Address& peer)
    : all_(all),
      peer_(peer) {
    all_.connected(peer_);
}

Correspondents::Connection::~Connection() {
    all_.disconnected(peer_);
}

}  // namespace berth::rpc
