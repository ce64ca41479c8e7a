#include "rpc/reply_cache.hpp"

#include <algorithm>
#include <cassert>
#include <mutex>
#include <new>
#include <random>

#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>
#include <spdlog/spdlog.h>
#include <xxhash.h>
#if defined(__x86_64__) && __has_include(<xxh_x86dispatch.h>)
// The same sums by the widest instructions that the processor has.
#include <xxh_x86dispatch.h>
#endif

#include "rpc/reply_log.hpp"
#include "rpc/reply_path.hpp"

namespace berth::rpc {

namespace {

// Of replies; so many go at once when space runs out.
constexpr std::size_t chunk_bytes_max = 16384;

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
    using Record = ReplyLog::Record;

    // The answered calls are found by what stands in the log.
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
    // By which path the newest copy of a call came, if any came.
    using InProgress = boost::unordered_flat_map<CallKey, std::weak_ptr<ReplyPath>, HashOfKey>;

    mutable std::mutex lock;
    InProgress in_progress;
    boost::unordered_flat_set<const Record*, HashOfCall, SameCall> answered;
    ReplyLog log{chunk_bytes_max};
    std::uint64_t hits = 0;
    std::uint64_t misses = 0;
    std::uint64_t dropped = 0;

    [[nodiscard]] std::size_t bytes() const noexcept {
        // As full as tables are that have just grown: seven sixteenths.
        constexpr std::size_t running = (sizeof(InProgress::value_type) + 1) * 16 / 7;
        constexpr std::size_t indexed = (sizeof(const Record*) + 1) * 16 / 7;
        return in_progress.size() * running + answered.size() * indexed + log.bytes();
    }

    void forget_oldest() {
        answered.erase(&log.oldest());
        log.drop_oldest();
    }

    // Gives the path of the newest copy.
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
    for (std::size_t i = 0; i < shard_count; ++i) shards_[i].log = ReplyLog{chunk_bytes};
}

ReplyCache::~ReplyCache() = default;

ReplyCache::Shard& ReplyCache::shard_of(const CallKey& key) {
    return shards_[(HashOfKey{}(key) >> 48) % shard_count];
}

ReplyCache::Begun ReplyCache::begin(const CallKey& key, const std::shared_ptr<ReplyPath>& path) {
    auto& shard = shard_of(key);
    const std::scoped_lock held{shard.lock};
    const auto too_old = now_() - keep_;
    while (!shard.log.is_empty() && shard.log.oldest().answered_at < too_old) shard.forget_oldest();

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
        shard.answered.insert(&shard.log.append(key, now_(), reply));
    } catch (const std::bad_alloc&) {
        spdlog::error("out of memory: a reply is not remembered");
    }
    while (shard.bytes() > shard_bytes_max_ && !shard.log.is_empty()) shard.forget_oldest();
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
