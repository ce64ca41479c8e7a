#include "rpc/correspondents.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace berth::rpc {

Correspondents::Correspondents(std::function<Clock::time_point()> now) : now_(std::move(now)) {}

Correspondents::~Correspondents() = default;

// Connected addresses are skipped. The table therefore exceeds addresses_max by little more than
// their number.
void Correspondents::Known::make_room() {
    constexpr int looks_max = 64;
    if (entries.size() < addresses_max) return;
    for (int look = 0; look < looks_max; ++look) {
        const auto oldest = entries.find(order.front());
        if (oldest->second.connections == 0) {
            order.pop_front();
            entries.erase(oldest);
            return;
        }
        order.splice(order.end(), order, order.begin());
    }
}

Correspondents::Entry& Correspondents::Known::entry_of(const Address& address,
                                                       Clock::time_point now) {
    auto found = entries.find(address);
    if (found == entries.end()) {
        make_room();
        std::list<Address> place{address};  // first: without memory there is no entry without it
        found = entries.try_emplace(address).first;
        found->second.place = place.begin();
        order.splice(order.end(), place);
    }
    auto& entry = found->second;
    if (now - entry.heard_at > credit_lasts) entry.credit_bytes = entry.credit_datagrams = 0;
    entry.heard_at = now;
    order.splice(order.end(), order, entry.place);
    return entry;
}

std::size_t Correspondents::heard(const Address& from, std::size_t bytes) {
    const auto now = now_();
    auto known = known_.synchronize();
    auto& entry = known->entry_of(from, now);
    entry.credit_bytes = std::min(entry.credit_bytes + bytes, credit_bytes_max);
    entry.credit_datagrams = std::min(entry.credit_datagrams + 1, credit_datagrams_max);
    if (now < entry.shown_until) return std::numeric_limits<std::size_t>::max();
    return reply_factor_max * bytes;
}

unsigned Correspondents::taken_up(const Address& from, std::uint64_t token) {
    const auto now = now_();
    auto known = known_.synchronize();
    const auto found = known->entries.find(from);
    if (found == known->entries.end()) return 0;
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
    auto known = known_.synchronize();
    const auto found = known->entries.find(to);
    if (found == known->entries.end()) return;
    auto& entry = found->second;
    entry.tokens[entry.next_token++ % entry.tokens.size()] = {token, link + 1};
}

bool Correspondents::spend(const Address& to, std::size_t datagrams, std::size_t bytes) {
    const auto now = now_();
    auto known = known_.synchronize();
    const auto found = known->entries.find(to);
    if (found == known->entries.end()) return false;
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
    auto known = known_.synchronize();
    ++known->entry_of(peer, now).connections;
}

void Correspondents::disconnected(const Address& peer) {
    const auto now = now_();
    auto known = known_.synchronize();
    auto& entry = known->entries.at(peer);
    entry.connected_until = now + credit_lasts;
    --entry.connections;
    known->order.splice(known->order.end(), known->order, entry.place);
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
