#include "nlm/table/locked_file.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace berth::nlm {
namespace {

template <class Work>
class ScopeExit {
public:
    explicit ScopeExit(Work work) : work_(std::move(work)) {}
    ScopeExit(const ScopeExit&) = delete;
    ScopeExit& operator=(const ScopeExit&) = delete;
    ~ScopeExit() { work_(); }

private:
    Work work_;
};

bool is_same(const LockRequest& a, const LockRequest& b) {
    return a.wanted == b.wanted && a.owner == b.owner;
}

vfs::LockedRanges cut_to(const vfs::LockedRanges& ranges, const vfs::ByteRange& range) {
    vfs::LockedRanges pieces;
    for (const auto& held : ranges.all()) {
        if (!held.range.meets(range)) continue;
        pieces.lock(
            {{std::max(held.range.first, range.first), std::min(held.range.last, range.last)},
             held.kind});
    }
    return pieces;
}

/// The common part of both, each byte locked in the weaker way of the two.
vfs::LockedRanges lesser_of(const vfs::LockedRanges& a, const vfs::LockedRanges& b) {
    vfs::LockedRanges both;
    for (const auto& piece : a.all()) {
        const auto pieces = cut_to(b, piece.range);
        for (auto common : pieces.all()) {
            if (piece.kind == vfs::LockKind::shared) common.kind = piece.kind;
            both.lock(common);
        }
    }
    return both;
}

}  // namespace

vfs::Result<LockedFile::Holdings::iterator> LockedFile::holding_of(const Owner& owner,
                                                                   const OpenLocks& open) {
    if (const auto known = holdings_.find(owner); known != holdings_.end()) return known;
    auto opened = open();
    if (!opened) return opened.error();
    return holdings_.emplace(owner, Holding{.locks = std::move(*opened), .ranges = {}}).first;
}

void LockedFile::drop_if_unused(Holdings::iterator holding) {
    if (holding->second.ranges.empty() && holding->second.waits == 0) holdings_.erase(holding);
}

std::optional<LockedFile::Obstacle> LockedFile::obstacle(const LockRequest& request) const {
    for (const auto& [owner, holding] : holdings_) {
        if (owner == request.owner) continue;
        if (const auto* held = holding.ranges.excluding(request.wanted))
            return Obstacle{.held = *held, .owner = &owner};
    }
    return std::nullopt;
}

// A holder of what the earlier waiter waits for must not be made to wait for that waiter: neither
// would ever get its lock.
bool LockedFile::is_behind(const LockRequest& request, const LockRequest& earlier) const {
    if (earlier.owner == request.owner || !earlier.wanted.excludes(request.wanted)) return false;
    const auto own = holdings_.find(request.owner);
    return own == holdings_.end() || own->second.ranges.excluding(earlier.wanted) == nullptr;
}

vfs::Result<LockedFile::Attempt> LockedFile::take(Holding& holding, const LockRequest& request) {
    holding.ranges.make_room();
    const auto taken = holding.locks->lock(request.wanted);
    if (!taken) return taken.error();
    if (!*taken) {
        is_contended_ = true;
        return Attempt::refused;
    }
    holding.ranges.lock(request.wanted);
    holding.state = request.state;
    holding.from_reserved_port |= request.from_reserved_port;
    return Attempt::granted;
}

vfs::Result<LockedFile::Attempt> LockedFile::lock(const LockRequest& request, const OpenLocks& open,
                                                  bool in_turn) {
    // Opened even if the answer is clear: a caller that may not open the file learns nothing about
    // it.
    const auto found = holding_of(request.owner, open);
    if (!found) return found.error();
    auto& holding = (*found)->second;
    bool is_to_wait = false;
    const ScopeExit end{[&] {
        if (!is_to_wait) drop_if_unused(*found);
    }};
    const bool must_queue = in_turn && std::ranges::any_of(waiters_, [&](const Waiter& waiter) {
                                return is_behind(request, waiter.request);
                            });
    vfs::Result<Attempt> outcome = Attempt::refused;
    if (!must_queue && !obstacle(request)) outcome = take(holding, request);
    is_to_wait = in_turn && outcome && *outcome == Attempt::refused;
    return outcome;
}

vfs::Result<std::optional<LockedFile::Obstacle>> LockedFile::test(const LockRequest& request,
                                                                  const OpenLocks& open) {
    const auto found = holding_of(request.owner, open);
    if (!found) return found.error();
    const ScopeExit end{[&] { drop_if_unused(*found); }};
    if (auto known = obstacle(request)) return known;
    const auto asked = (*found)->second.locks->obstacle_to(request.wanted);
    if (!asked) return asked.error();
    if (!*asked) return std::optional<Obstacle>{};
    return std::optional{Obstacle{.held = (*asked)->held, .process = (*asked)->process}};
}

vfs::Result<void> LockedFile::unlock(const Owner& owner, const vfs::ByteRange& range) {
    const auto found = holdings_.find(owner);
    if (found == holdings_.end()) return {};
    auto& holding = found->second;
    holding.ranges.make_room();
    auto unlocked = holding.locks->unlock(range);
    // Ranges still locked on the file must stay known here, or nobody could ever unlock them.
    if (unlocked) holding.ranges.unlock(range);
    drop_if_unused(found);
    return unlocked;
}

vfs::Result<void> LockedFile::restore(const Owner& owner, const vfs::LockedRanges& undone,
                                      const vfs::LockedRanges& before, const HasRoom& has_room) {
    const auto found = holdings_.find(owner);
    if (found == holdings_.end()) return {};
    auto& holding = found->second;
    // Never more than the owner has now: others may have what it has released since.
    const auto kept = lesser_of(lesser_of(before, undone), holding.ranges);
    auto gaps = undone;
    for (const auto& piece : kept.all()) gaps.unlock(piece.range);
    auto after = holding.ranges;
    for (const auto& piece : kept.all()) after.lock(piece);
    for (const auto& gap : gaps.all()) after.unlock(gap.range);
    const auto growth = std::ssize(after.all()) - std::ssize(holding.ranges.all());
    if (!has_room(owner.host, {.ranges = growth})) return std::errc::no_lock_available;
    for (const auto& piece : kept.all()) {
        holding.ranges.make_room();
        const auto taken = holding.locks->lock(piece);
        if (!taken) return taken.error();
        if (*taken) holding.ranges.lock(piece);
    }
    for (const auto& gap : gaps.all()) {
        holding.ranges.make_room();
        if (auto unlocked = holding.locks->unlock(gap.range); !unlocked) return unlocked;
        holding.ranges.unlock(gap.range);
    }
    drop_if_unused(found);
    return {};
}

LockedFile::Growth LockedFile::growth_by_lock(const LockRequest& request) const {
    const auto found = holdings_.find(request.owner);
    if (found == holdings_.end()) return {.ranges = 1, .open_files = 1};
    return {.ranges = found->second.ranges.growth_by_lock(request.wanted)};
}

LockedFile::Growth LockedFile::growth_by_unlock(const Owner& owner,
                                                const vfs::ByteRange& range) const {
    const auto found = holdings_.find(owner);
    if (found == holdings_.end()) return {};
    return {.ranges = found->second.ranges.growth_by_unlock(range)};
}

bool LockedFile::holds(const Owner& owner, const vfs::LockedRange& what) const {
    const auto found = holdings_.find(owner);
    return found != holdings_.end() && found->second.ranges.cover(what);
}

bool LockedFile::may_change(const Owner& owner, bool from_reserved_port) const {
    if (from_reserved_port) return true;
    const auto found = holdings_.find(owner);
    return found == holdings_.end() || !found->second.from_reserved_port;
}

LockedFile::Waiter* LockedFile::find_waiter(const LockRequest& request) {
    const auto found = std::ranges::find_if(
        waiters_, [&](const Waiter& waiter) { return is_same(waiter.request, request); });
    return found == waiters_.end() ? nullptr : &*found;
}

void LockedFile::wait(const LockRequest& request, const ReturnPath& path) {
    const auto own = holdings_.find(request.owner);
    const ScopeExit end{[&] { drop_if_unused(own); }};
    waiters_.push_back({request, path});
    auto& holding = own->second;
    ++holding.waits;
    holding.from_reserved_port |= request.from_reserved_port;
}

bool LockedFile::stop_waiting(const LockRequest& request) {
    const auto found = std::ranges::find_if(
        waiters_, [&](const Waiter& waiter) { return is_same(waiter.request, request); });
    if (found == waiters_.end()) return false;
    waiters_.erase(found);
    const auto holding = holdings_.find(request.owner);
    --holding->second.waits;
    drop_if_unused(holding);
    return true;
}

std::size_t LockedFile::free(const IsMeant& is_meant) {
    std::erase_if(waiters_, [&](const Waiter& waiter) {
        const auto& request = waiter.request;
        if (!is_meant(request.owner, {request.state, request.from_reserved_port})) return false;
        --holdings_.at(request.owner).waits;
        return true;
    });
    std::size_t freed = 0;
    for (auto next = holdings_.begin(); next != holdings_.end();) {
        const auto holding = next++;
        auto& [owner, held] = *holding;
        if (!held.ranges.empty() && is_meant(owner, {held.state, held.from_reserved_port})) {
            freed += held.ranges.size();
            // If no wait stays, the holding goes, and with it what the file has locked.
            if (held.waits == 0 || held.locks->unlock({0, vfs::ByteRange::byte_max}))
                held.ranges = {};
        }
        drop_if_unused(holding);
    }
    return freed;
}

void LockedFile::serve(const HasRoom& has_room, std::vector<Served>& served) {
    // Serving one waiter may move another request of its owner ahead of those that it was behind.
    std::size_t before = 0;
    do {
        before = served.size();
        serve_once(has_room, served);
    } while (served.size() != before);
}

void LockedFile::serve_once(const HasRoom& has_room, std::vector<Served>& served) {
    std::vector<const LockRequest*> passed_over;
    passed_over.reserve(waiters_.size());
    is_contended_ = false;
    for (auto next = waiters_.begin(); next != waiters_.end();) {
        const auto waiter = next++;
        const auto& request = waiter->request;
        const bool must_queue = std::ranges::any_of(
            passed_over, [&](const LockRequest* earlier) { return is_behind(request, *earlier); });
        const auto holding = holdings_.find(request.owner);
        if (!must_queue && !obstacle(request)) {
            // Its place first: a lock that is taken must be told of.
            served.push_back({{}, cut_to(holding->second.ranges, request.wanted.range)});
            bool is_served = false;
            const ScopeExit end{[&] {
                if (!is_served) served.pop_back();
            }};
            vfs::Result<Attempt> taken = Attempt::refused;
            if (has_room(request.owner.host, growth_by_lock(request)))
                taken = take(holding->second, request);
            is_served = taken && *taken == Attempt::granted;
            if (is_served) {
                --holding->second.waits;
                served.back().waiter = std::move(*waiter);
                waiters_.erase(waiter);
                continue;
            }
            // A client or file system that is out of locks has some again when others go.
            is_contended_ = true;
        }
        passed_over.push_back(&request);
    }
}

}  // namespace berth::nlm
