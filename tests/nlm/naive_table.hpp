// What a lock table has to do, said as simply as can be: every byte of one small file has for each
// owner nothing, a shared or an exclusive lock.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <vector>

#include "nfs/vfs/locked_ranges.hpp"

namespace berth::nlm::test {

class NaiveTable {
public:
    static constexpr std::uint64_t bytes = 24;
    using Kind = std::optional<vfs::LockKind>;
    using Bytes = std::array<Kind, bytes>;

    struct Wanted {
        int owner = 0;
        vfs::LockedRange what;
        bool operator==(const Wanted&) const = default;
    };
    struct Granted {
        Wanted wanted;
        Bytes before;
        /// Locked or unlocked since.
        std::array<bool, bytes> changed{};
    };

    /// Whether the owner has it now.
    bool try_lock(const Wanted& wanted) {
        if (is_excluded(wanted)) return false;
        set(wanted.owner, wanted.what.range, wanted.what.kind);
        waiting.remove(wanted);
        return true;
    }
    bool lock_or_wait(const Wanted& wanted) {
        for (const auto& other : waiting)
            if (other == wanted) return false;
        bool must_queue = false;
        for (const auto& other : waiting) must_queue = must_queue || is_behind(wanted, other);
        if (!must_queue && try_lock(wanted)) return true;
        waiting.push_back(wanted);
        return false;
    }
    void unlock(int owner, const vfs::ByteRange& range) {
        waiting.remove_if(
            [&](const Wanted& other) { return other.owner == owner && other.what.range == range; });
        set(owner, range, std::nullopt);
    }
    void free(int owner) {
        waiting.remove_if([&](const Wanted& other) { return other.owner == owner; });
        held.erase(owner);
    }
    void restore(const Granted& granted) {
        const auto& range = granted.wanted.what.range;
        for (auto byte = range.first; byte <= range.last; ++byte) {
            if (granted.changed[byte]) continue;
            auto& now = held[granted.wanted.owner][byte];
            const auto before = granted.before[byte];
            // The lesser of the two: nothing, shared, exclusive.
            if (!before || (now == vfs::LockKind::exclusive)) now = now ? before : now;
        }
    }
    /// First come first served.
    std::vector<Granted> serve() {
        auto served = serve_once();
        if (served.empty()) return served;
        const auto more = serve();
        served.insert(served.end(), more.begin(), more.end());
        return served;
    }
    std::vector<Granted> serve_once() {
        std::vector<Granted> served;
        std::list<Wanted> still;
        for (const auto& wanted : waiting) {
            bool must_queue = false;
            for (const auto& other : still) must_queue = must_queue || is_behind(wanted, other);
            if (must_queue || is_excluded(wanted)) {
                still.push_back(wanted);
                continue;
            }
            served.push_back({wanted, held[wanted.owner]});
            set(wanted.owner, wanted.what.range, wanted.what.kind);
        }
        waiting = still;
        return served;
    }

    [[nodiscard]] bool is_excluded(const Wanted& wanted) const {
        for (const auto& [owner, has] : held) {
            if (owner == wanted.owner) continue;
            if (excludes(has, wanted.what)) return true;
        }
        return false;
    }

    [[nodiscard]] bool holds(const Wanted& wanted) {
        const auto& has = held[wanted.owner];
        const auto& [range, kind] = wanted.what;
        return std::all_of(has.begin() + static_cast<long>(range.first),
                           has.begin() + static_cast<long>(range.last) + 1, [&](const Kind& byte) {
                               return byte && (byte == vfs::LockKind::exclusive || byte == kind);
                           });
    }

    std::map<int, Bytes> held;
    std::list<Wanted> waiting;

private:
    static bool excludes(const Bytes& has, const vfs::LockedRange& what) {
        for (auto byte = what.range.first; byte <= what.range.last; ++byte) {
            if (!has[byte]) continue;
            if (has[byte] == vfs::LockKind::exclusive || what.kind == vfs::LockKind::exclusive)
                return true;
        }
        return false;
    }
    bool is_behind(const Wanted& wanted, const Wanted& earlier) {
        return wanted.owner != earlier.owner && earlier.what.excludes(wanted.what) &&
               !excludes(held[wanted.owner], earlier.what);
    }
    void set(int owner, const vfs::ByteRange& range, Kind kind) {
        for (auto byte = range.first; byte <= range.last; ++byte) held[owner][byte] = kind;
    }
};

}  // namespace berth::nlm::test
