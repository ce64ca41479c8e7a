// Remembers the replies of calls that must not run twice (the duplicate request cache). A client
// that has lost a reply sends the same bytes again, perhaps over a new connection, and gets the
// first reply again. When space runs out, the client that uses most of it loses its oldest reply,
// so a client that calls much pushes out its own. The dispatcher owns it and all threads share it;
// it is sharded by call, and each shard has its own lock.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "rpc/call_key.hpp"

namespace berth::rpc {

class ReplyPath;

class ReplyCache {
public:
    struct Limits {
        std::size_t bytes_max = std::size_t{64}
                                << 20;   ///< of remembered replies and their bookkeeping
        std::chrono::seconds keep{120};  ///< unless space runs out
    };
    using Clock = std::chrono::steady_clock;
    using Now = std::function<Clock::time_point()>;

    explicit ReplyCache(const Limits& limits, Now now = Clock::now);
    ReplyCache(const ReplyCache&) = delete;
    ReplyCache& operator=(const ReplyCache&) = delete;
    ~ReplyCache();

    enum class Seen : std::uint8_t {
        first,        ///< run it, then finish() or abandon()
        in_progress,  ///< it is running: drop this one; the reply will come
        answered,     ///< send `reply` again
    };
    struct Begun {
        Seen seen = Seen::first;
        std::vector<std::byte> reply;  ///< when answered
    };
    /// Enters the call as in progress before it runs. `path` is where this copy came from.
    Begun begin(const CallKey& key, const std::shared_ptr<ReplyPath>& path);

    /// The call has been answered with these bytes; without memory they are not remembered. Returns
    /// the path of the call's newest copy, if copies came while it ran.
    std::shared_ptr<ReplyPath> finish(const CallKey& key, std::span<const std::byte> reply);
    /// The call ended with nothing worth remembering; its next copy will run. Returns the newest
    /// copy's path too.
    std::shared_ptr<ReplyPath> abandon(const CallKey& key);

    /// A call in progress. If it is destroyed before finish(), the call is abandoned.
    class Entry {
    public:
        Entry() = default;
        /// The cache outlives the entry, and has just seen the call for the first time.
        Entry(ReplyCache& cache, const CallKey& key) noexcept : cache_(&cache), key_(key) {}
        Entry(Entry&& other) noexcept
            : cache_(std::exchange(other.cache_, nullptr)),
              key_(other.key_) {}
        Entry& operator=(Entry&& other) noexcept {
            abandon();
            cache_ = std::exchange(other.cache_, nullptr);
            key_ = other.key_;
            return *this;
        }
        ~Entry() { abandon(); }

        explicit operator bool() const noexcept { return cache_ != nullptr; }
        /// As ReplyCache::finish().
        std::shared_ptr<ReplyPath> finish(std::span<const std::byte> reply) {
            auto newest = cache_->finish(key_, reply);
            cache_ = nullptr;
            return newest;
        }
        std::shared_ptr<ReplyPath> abandon() noexcept {
            auto* const cache = std::exchange(cache_, nullptr);
            return cache != nullptr ? cache->abandon(key_) : nullptr;
        }

    private:
        ReplyCache* cache_ = nullptr;
        CallKey key_;
    };

    struct Statistics {
        std::uint64_t hits = 0;
        std::uint64_t misses = 0;
        std::uint64_t dropped = 0;  ///< duplicates of calls in progress
        std::size_t entries = 0;
        std::size_t bytes = 0;
    };
    [[nodiscard]] Statistics statistics() const;

private:
    struct Shard;
    Shard& shard_of(const CallKey& key);

    static constexpr std::size_t shard_count = 16;
    const std::size_t shard_bytes_max_;
    const std::chrono::seconds keep_;
    const Now now_;
    std::unique_ptr<Shard[]> shards_;
};

}  // namespace berth::rpc
