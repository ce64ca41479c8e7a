#include "rpc/reply_cache.hpp"

#include <algorithm>
#include <cassert>
#include <list>
#include <mutex>
#include <new>
#include <random>
#include <set>
#include <utility>

#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>
#include <xxhash.h>
#if defined(__x86_64__) && __has_include(<xxh_x86dispatch.h>)
// The same sums with the widest instructions that the processor has.
#include <xxh_x86dispatch.h>
#endif

#include "rpc/peer_log.hpp"
#include "rpc/reply_log.hpp"
#include "rpc/reply_path.hpp"

namespace berth::rpc {

namespace {

// The chunk size of reply logs: this much is dropped at once when space runs out.
constexpr std::size_t chunk_bytes_max = 16384;

struct HashOfKey {
    std::size_t operator()(const CallKey& key) const noexcept {
        return static_cast<std::size_t>(key.body_checksum ^
                                        (std::uint64_t{key.xid} * 0x9E3779B97F4A7C15));
    }
};

struct HashOfAddress {
    std::size_t operator()(const Address& address) const noexcept {
        return XXH3_64bits_withSeed(address.bytes.data(), address.bytes.size(), address.scope);
    }
};

std::uint64_t random_seed() {
    std::random_device device;
    return std::uint64_t{device()} << 32 | device();
}

}  // namespace

std::uint64_t body_checksum(std::span<const std::byte> body) {
    static const std::uint64_t seed = random_seed();
    return XXH3_64bits_withSeed(body.data(), body.size(), seed);
}

struct ReplyCache::Shard {
    using Record = ReplyLog::Record;

    // Answered calls are looked up by their records in the log.
    struct HashOfCall {
        using is_transparent = void;
        std::size_t operator()(const CallKey& key) const noexcept { return HashOfKey{}(key); }
        std::size_t operator()(const Record* record) const noexcept {
            return HashOfKey{}(record->call);
        }
    };
    struct SameCall {
        using is_transparent = void;
        bool operator()(const Record* a, const Record* b) const noexcept { return a == b; }
        bool operator()(const CallKey& key, const Record* record) const noexcept {
            return key == record->call;
        }
        bool operator()(const Record* record, const CallKey& key) const noexcept {
            return key == record->call;
        }
    };
    // The path of the newest copy of each call, if copies came.
    using InProgress = boost::unordered_flat_map<CallKey, std::weak_ptr<ReplyPath>, HashOfKey>;

    /// The replies given to one client address, as long as there are any.
    struct Client {
        Address address;
        ReplyLog log;
        std::uint64_t number = 0;  // in order of arrival
        std::size_t bytes = 0;     // of the log, as entered in `by_bytes`

        // Of two clients with as many bytes, the one that came first loses first.
        [[nodiscard]] auto rank() const noexcept { return std::pair{bytes, ~number}; }
    };
    struct LessBytes {
        bool operator()(const Client* a, const Client* b) const noexcept {
            return a->rank() < b->rank();
        }
    };
    using Clients = std::list<Client>;

    mutable std::mutex lock;
    // Guarded by lock:
    std::size_t chunk_bytes = chunk_bytes_max;
    InProgress in_progress;
    boost::unordered_flat_set<const Record*, HashOfCall, SameCall> answered;
    Clients clients;  // the front is the next to be checked for old replies
    boost::unordered_flat_map<Address, Clients::iterator, HashOfAddress> by_address;
    std::set<Client*, LessBytes> by_bytes;
    std::size_t log_bytes = 0;
    std::uint64_t clients_seen = 0;
    std::uint64_t hits = 0;
    std::uint64_t misses = 0;
    std::uint64_t dropped = 0;

    [[nodiscard]] std::size_t bytes() const noexcept {
        // Assumes that tables have just grown: seven sixteenths full.
        constexpr std::size_t running = (sizeof(InProgress::value_type) + 1) * 16 / 7;
        constexpr std::size_t indexed = (sizeof(const Record*) + 1) * 16 / 7;
        constexpr std::size_t tree_node = 48;
        constexpr std::size_t known =
            sizeof(Client) + 16 + tree_node + (sizeof(Address) + sizeof(void*)) * 16 / 7;
        return in_progress.size() * running + answered.size() * indexed + clients.size() * known +
               log_bytes;
    }

    /// Updates the client's rank after its log has changed, or before it changes.
    void count(Client& client) noexcept {
        if (client.bytes == client.log.bytes()) return;
        auto place = by_bytes.extract(&client);
        log_bytes += client.log.bytes() - client.bytes;
        client.bytes = client.log.bytes();
        by_bytes.insert(std::move(place));
    }

    /// Throws std::bad_alloc; nothing has changed then.
    Client& client_at(const Address& address) {
        const auto [place, is_new] = by_address.try_emplace(address);
        if (!is_new) return *place->second;
        Clients added;
        try {
            added.push_back(
                {.address = address, .log = ReplyLog{chunk_bytes}, .number = clients_seen});
            by_bytes.insert(&added.front());
        } catch (const std::bad_alloc&) {
            by_address.erase(place);
            throw;
        }
        ++clients_seen;
        place->second = added.begin();
        clients.splice(clients.end(), added);
        return clients.back();
    }

    void forget_if_empty(Client& client) noexcept {
        if (!client.log.is_empty()) return;
        const auto place = by_address.find(client.address);
        const auto here = place->second;
        by_bytes.erase(&client);
        by_address.erase(place);
        clients.erase(here);
    }

    void forget_oldest(Client& client) noexcept {
        answered.erase(&client.log.oldest());
        client.log.drop_oldest();
        count(client);
        forget_if_empty(client);
    }

    /// Checks one client per call, in turn.
    void forget_what_is_older(Clock::time_point than) noexcept {
        if (clients.empty()) return;
        auto& client = clients.front();
        clients.splice(clients.end(), clients, clients.begin());
        const auto count = clients.size();
        while (clients.size() == count && client.log.oldest().answered_at < than)
            forget_oldest(client);
    }

    void remember(const CallKey& key, Clock::time_point at, std::span<const std::byte> reply) {
        auto& client = client_at(key.caller);
        try {
            answered.insert(&client.log.append(key, at, reply));
        } catch (const std::bad_alloc&) {
            count(client);
            forget_if_empty(client);
            throw;
        }
        count(client);
    }

    void make_room(std::size_t bytes_max) noexcept {
        while (bytes() > bytes_max && !by_bytes.empty()) forget_oldest(**by_bytes.rbegin());
    }

    // Returns the path of the newest copy.
    std::shared_ptr<ReplyPath> end(const CallKey& key) {
        const auto place = in_progress.find(key);
        assert(place != in_progress.end());
        auto newest = place->second.lock();
        in_progress.erase(place);
        return newest;
    }
};

ReplyCache::ReplyCache(const Limits& limits, Now now)
    : shard_bytes_max_(limits.bytes_max / shard_count),
      keep_(limits.keep),
      now_(std::move(now)),
      shards_(std::make_unique<Shard[]>(shard_count)) {
    const auto chunk_bytes = std::min(chunk_bytes_max, shard_bytes_max_ / 8);
    for (std::size_t i = 0; i < shard_count; ++i) shards_[i].chunk_bytes = chunk_bytes;
}

ReplyCache::~ReplyCache() = default;

ReplyCache::Shard& ReplyCache::shard_of(const CallKey& key) {
    return shards_[(HashOfKey{}(key) >> 48) % shard_count];
}

ReplyCache::Begun ReplyCache::begin(const CallKey& key, const std::shared_ptr<ReplyPath>& path) {
    auto& shard = shard_of(key);
    const std::scoped_lock held{shard.lock};
    shard.forget_what_is_older(now_() - keep_);

    if (const auto known = shard.answered.find(key); known != shard.answered.end()) {
        ++shard.hits;
        const auto reply = (*known)->reply();
        return {Seen::answered, {reply.begin(), reply.end()}};
    }
    const auto [place, is_new] = shard.in_progress.try_emplace(key);
    if (is_new) {
        ++shard.misses;
        return {Seen::first, {}};
    }
    ++shard.dropped;
    place->second = path;
    return {Seen::in_progress, {}};
}

std::shared_ptr<ReplyPath> ReplyCache::finish(const CallKey& key,
                                              std::span<const std::byte> reply) {
    auto& shard = shard_of(key);
    const std::scoped_lock held{shard.lock};
    auto newest = shard.end(key);
    if (ReplyLog::bytes_for(reply.size()) > shard_bytes_max_) return newest;
    try {
        shard.remember(key, now_(), reply);
    } catch (const std::bad_alloc&) {
        error_often("out of memory: a reply is not remembered");
    }
    shard.make_room(shard_bytes_max_);
    return newest;
}

std::shared_ptr<ReplyPath> ReplyCache::abandon(const CallKey& key) {
    auto& shard = shard_of(key);
    const std::scoped_lock held{shard.lock};
    return shard.end(key);
}

ReplyCache::Statistics ReplyCache::statistics() const {
    Statistics sum;
    for (std::size_t i = 0; i < shard_count; ++i) {
        const auto& shard = shards_[i];
        const std::scoped_lock held{shard.lock};
        sum.hits += shard.hits;
        sum.misses += shard.misses;
        sum.dropped += shard.dropped;
        sum.entries += shard.in_progress.size() + shard.answered.size();
        sum.bytes += shard.bytes();
    }
    return sum;
}

}  // namespace berth::rpc
