#include "rpc/reply_cache.hpp"

#include <cassert>
#include <list>
#include <mutex>
#include <random>
#include <unordered_map>

#include <xxhash.h>

#include "rpc/reply_path.hpp"

namespace berth::rpc {

namespace {

struct HashOfKey {
    std::size_t operator()(const CallKey& key) const noexcept {
        return static_cast<std::size_t>(key.body_checksum ^
                                        (std::uint64_t{key.xid} * 0x9E3779B97F4A7C15));
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
    struct Entry;
    using Entries = std::unordered_map<CallKey, Entry, HashOfKey>;
    struct Entry {
        ReplyBytes reply;                 // null while in progress
        std::weak_ptr<ReplyPath> newest;  // by which the newest copy came, if any came
        Clock::time_point answered_at;
        std::list<const CallKey*>::iterator place;  // in `answered`, when there is a reply
    };

    mutable std::mutex lock;
    Entries entries;
    std::list<const CallKey*> answered;  // oldest first
    std::size_t bytes = 0;
    std::uint64_t hits = 0;
    std::uint64_t misses = 0;
    std::uint64_t dropped = 0;

    static std::size_t cost(const Entry& entry) noexcept {
        // With the nodes of both containers and the reply's own, as the allocator has them.
        constexpr std::size_t bookkeeping = sizeof(CallKey) + sizeof(Entry) + 192;
        return bookkeeping + (entry.reply ? entry.reply->size() : 0);
    }

    void forget(Entries::iterator entry) {
        bytes -= cost(entry->second);
        if (entry->second.reply) answered.erase(entry->second.place);
        entries.erase(entry);
    }

    void forget_oldest() { forget(entries.find(*answered.front())); }
};

ReplyCache::ReplyCache(const Limits& limits, Now now)
    : shard_bytes_max_(limits.bytes_max / shard_count),
      keep_(limits.keep),
      now_(std::move(now)),
      shards_(std::make_unique<Shard[]>(shard_count)) {}

ReplyCache::~ReplyCache() = default;

ReplyCache::Shard& ReplyCache::shard_of(const CallKey& key) {
    return shards_[(HashOfKey{}(key) >> 48) % shard_count];
}

ReplyCache::Begun ReplyCache::begin(const CallKey& key, const std::shared_ptr<ReplyPath>& path) {
    auto& shard = shard_of(key);
    const std::scoped_lock held{shard.lock};
    const auto too_old = now_() - keep_;
    while (!shard.answered.empty() &&
           shard.entries.at(*shard.answered.front()).answered_at < too_old)
        shard.forget_oldest();

    const auto [place, is_new] = shard.entries.try_emplace(key);
    auto& entry = place->second;
    if (is_new) {
        ++shard.misses;
        shard.bytes += Shard::cost(entry);
        return {Seen::first, nullptr};
    }
    if (entry.reply) {
        ++shard.hits;
        return {Seen::answered, entry.reply};
    }
    ++shard.dropped;
    entry.newest = path;
    return {Seen::in_progress, nullptr};
}

std::shared_ptr<ReplyPath> ReplyCache::finish(const CallKey& key, ReplyBytes reply) {
    assert(reply);
    auto& shard = shard_of(key);
    const std::scoped_lock held{shard.lock};
    const auto place = shard.entries.find(key);
    assert(place != shard.entries.end() && !place->second.reply);
    auto& entry = place->second;
    shard.bytes += reply->size();
    entry.reply = std::move(reply);
    entry.answered_at = now_();
    entry.place = shard.answered.insert(shard.answered.end(), &place->first);
    auto newest = entry.newest.lock();
    entry.newest.reset();
    while (shard.bytes > shard_bytes_max_ && !shard.answered.empty()) shard.forget_oldest();
    return newest;
}

std::shared_ptr<ReplyPath> ReplyCache::abandon(const CallKey& key) {
    auto& shard = shard_of(key);
    const std::scoped_lock held{shard.lock};
    const auto place = shard.entries.find(key);
    assert(place != shard.entries.end() && !place->second.reply);
    auto newest = place->second.newest.lock();
    shard.forget(place);
    return newest;
}

ReplyCache::Statistics ReplyCache::statistics() const {
    Statistics sum;
    for (std::size_t i = 0; i < shard_count; ++i) {
        const auto& shard = shards_[i];
        const std::scoped_lock held{shard.lock};
        sum.hits += shard.hits;
        sum.misses += shard.misses;
        sum.dropped += shard.dropped;
        sum.entries += shard.entries.size();
        sum.bytes += shard.bytes;
    }
    return sum;
}

}  // namespace berth::rpc
