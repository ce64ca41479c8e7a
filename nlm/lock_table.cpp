#include "nlm/lock_table.hpp"

#include <algorithm>
#include <atomic>
#include <memory>
#include <utility>

#include "nlm/table/insist.hpp"
#include "nlm/table/visit.hpp"
#include "rpc/peer_log.hpp"

namespace berth::nlm {
namespace {

using Clock = std::chrono::steady_clock;

/// For all files together: a person is waiting for the list.
constexpr std::chrono::seconds show_patience{1};

bool exclude(const Share& a, const Share& b) {
    return a.owner != b.owner && ((a.access & b.mode) != 0 || (a.mode & b.access) != 0);
}

}  // namespace

LockTable::LockTable(const LockLimits& limits, LockEvents& events)
    : limits_(limits),
      events_(events) {}

LockTable::~LockTable() = default;

bool LockTable::has_room_to_wait(const Host& host) {
    const std::lock_guard guard{lock_};
    const auto own = uses_.find(host);
    return (own == uses_.end() || own->second.waits < limits_.client_waiters_max) &&
           total_.waits + pending_.size() < limits_.waiters_max;
}

LockTable::Answer LockTable::refuse_for_room(const Host& host, std::string_view what) {
    if (refused_.is_first(host))
        rpc::warn_of(host.address, "locks: {}: too many {}; more are refused", host.text(), what);
    return Answer::no_room;
}

vfs::Result<LockTable::Answer> LockTable::lock(const LockRequest& request, const OpenLocks& open,
                                               const ReturnPath* if_blocked) {
    const auto& host = request.owner.host;
    Visit file{*this, enter(request.file)};
    // The request may be for less than the owner has.
    if (!file->locks.may_change(request.owner, request.from_reserved_port))
        return std::errc::no_lock_available;
    if (if_blocked != nullptr) {
        if (auto* waiter = file->locks.find_waiter(request)) {
            waiter->path = *if_blocked;
            return Answer::blocked;
        }
    }
    if (!file.reserve(host, file->locks.growth_by_lock(request)))
        return refuse_for_room(host, "locks");
    const bool may_wait = if_blocked != nullptr && has_room_to_wait(host);
    const auto outcome = file->locks.lock(request, open, may_wait);
    if (!outcome) return outcome.error();
    if (*outcome == LockedFile::Attempt::granted) {
        pending_.forget(request);
        file.changed(request);
        file->locks.stop_waiting(request);
        file.serve();  // the lock may have been a downgrade
        return Answer::granted;
    }
    if (if_blocked == nullptr) return Answer::denied;
    if (!may_wait) return refuse_for_room(host, "waiting for locks");
    file->locks.wait(request, *if_blocked);
    return Answer::blocked;
}

vfs::Result<std::optional<LockTable::Holder>> LockTable::test(const LockRequest& request,
                                                              const OpenLocks& open) {
    const Visit file{*this, enter(request.file)};
    const auto obstacle = file->locks.test(request, open);
    if (!obstacle) return obstacle.error();
    if (!*obstacle) return std::optional<Holder>{};
    Holder holder{.held = (*obstacle)->held, .svid = (*obstacle)->process, .owner_handle = {}};
    if (const auto* owner = (*obstacle)->owner) {
        holder.svid = owner->svid;
        holder.owner_handle = owner->handle;
    }
    return std::optional{std::move(holder)};
}

vfs::Result<void> LockTable::unlock(const LockRequest& request) {
    auto* known = enter_known(request.file);
    if (known == nullptr) return {};
    Visit file{*this, *known};
    if (!file->locks.may_change(request.owner, request.from_reserved_port))
        return std::errc::no_lock_available;
    const auto& host = request.owner.host;
    if (!file.reserve(host, file->locks.growth_by_unlock(request.owner, request.wanted.range))) {
        refuse_for_room(host, "locks");
        return std::errc::no_lock_available;
    }
    for (const auto kind : {vfs::LockKind::shared, vfs::LockKind::exclusive}) {
        auto waiting = request;
        waiting.wanted.kind = kind;
        file->locks.stop_waiting(waiting);
    }
    pending_.forget(request);
    auto unlocked = file->locks.unlock(request.owner, request.wanted.range);
    if (unlocked) file.changed(request);
    file.serve();
    return unlocked;
}

bool LockTable::cancel(const LockRequest& request) {
    auto* known = enter_known(request.file);
    if (known == nullptr) return false;
    Visit file{*this, *known};
    if (!file->locks.may_change(request.owner, request.from_reserved_port)) return false;
    pending_.forget(request);
    const bool had_waited = file->locks.stop_waiting(request);
    if (had_waited) file.serve();  // others may have queued behind it
    return had_waited;
}

LockTable::Answer LockTable::share(const FileKey& key, const Share& share) {
    Visit file{*this, enter(key)};
    const bool is_excluded = std::ranges::any_of(
        file->shares, [&](const Share& other) { return exclude(share, other); });
    if (is_excluded) return Answer::denied;
    const auto own = std::ranges::find(file->shares, share.owner, &Share::owner);
    if (own != file->shares.end()) {
        if (own->from_reserved_port && !share.from_reserved_port) return Answer::no_room;
        *own = share;
        return Answer::granted;
    }
    if (!file.reserve(share.owner.host, {.ranges = 1}))
        return refuse_for_room(share.owner.host, "locks");
    file->shares.push_back(share);
    return Answer::granted;
}

bool LockTable::unshare(const FileKey& key, const Owner& owner, bool from_reserved_port) {
    auto* known = enter_known(key);
    if (known == nullptr) return true;
    const Visit file{*this, *known};
    const auto own = std::ranges::find(file->shares, owner, &Share::owner);
    if (own == file->shares.end()) return true;
    if (own->from_reserved_port && !from_reserved_port) return false;
    file->shares.erase(own);
    return true;
}

std::vector<FileKey> LockTable::keys() const {
    std::vector<FileKey> keys;
    const std::lock_guard guard{lock_};
    keys.reserve(files_.size());
    for (const auto& [key, file] : files_) keys.push_back(key);
    return keys;
}

std::size_t LockTable::free(const IsMeant& is_meant) {
    const auto keys = this->keys();
    // The visitor of a hanging file may update the count after this function has returned.
    const auto freed = std::make_shared<std::atomic<std::size_t>>(0);
    for (const auto& key : keys)
        send(key, [this, is_meant, freed](Visit& file) {
            *freed += file->locks.free(is_meant);
            *freed += std::erase_if(file->shares, [&](const Share& own) {
                return is_meant(own.owner, {own.state, own.from_reserved_port});
            });
            pending_.forget(file->key, is_meant);
            file.serve();
        });
    return *freed;
}

void LockTable::refuse(std::uint64_t id, const rpc::Address& from, bool from_reserved_port) {
    if (const auto key = pending_.file_of(id, from, from_reserved_port))
        send(*key, [this, id](Visit& file) { take_back(file, id); });
}

void LockTable::take_back(Visit& file, std::uint64_t id) {
    // The grant is out of date if the owner has locked or unlocked the range meanwhile.
    const auto refused = pending_.take(id);
    if (!refused || refused->times_told > 1) return;
    const auto& [owner, undone, before, times_told] = *refused;
    vfs::Result<void> restored;
    insist([&, &owner = owner, &undone = undone, &before = before] {
        restored =
            file->locks.restore(owner, undone, before, [&](const Host& host, const auto& growth) {
                return file.reserve(host, growth);
            });
    });
    file.serve();
    if (!restored)
        rpc::warn_of(owner.host.address,
                     "locks: {}: can't release a lock that the client refused: {}",
                     owner.host.text(), std::make_error_code(restored.error()).message());
}

bool LockTable::retry() {
    std::set<FileKey> contended;
    {
        const std::lock_guard guard{lock_};
        contended = contended_;
    }
    const auto at_once = Clock::now();
    for (const auto& key : contended)
        if (auto* file = enter_known(key, &at_once)) Visit{*this, *file}.serve();
    const std::lock_guard guard{lock_};
    return !contended_.empty();
}

std::vector<Host> LockTable::hosts() const {
    const std::lock_guard guard{lock_};
    std::vector<Host> all;
    all.reserve(uses_.size());
    for (const auto& [host, use] : uses_) all.push_back(host);
    return all;
}

std::size_t LockTable::file_count() const {
    const std::lock_guard guard{lock_};
    return files_.size();
}

void LockTable::show(const File& file, std::vector<Shown>& all) {
    std::string name;
    for (const auto& [owner, holding] : file.locks.holdings()) {
        if (name.empty()) name = holding.locks->describe_file();
        for (const auto& held : holding.ranges.all())
            all.push_back({.file = name, .owner = owner, .range = held, .share = {}});
    }
    for (const auto& waiter : file.locks.waiters())
        all.push_back({.file = name,
                       .what = Shown::What::wait,
                       .owner = waiter.request.owner,
                       .range = waiter.request.wanted,
                       .share = {}});
    for (const auto& share : file.shares)
        all.push_back({.file = name,
                       .what = Shown::What::share,
                       .owner = share.owner,
                       .range = {},
                       .share = share});
}

void LockTable::show_busy(const FileKey& key, std::vector<Shown>& all) const {
    const std::lock_guard guard{lock_};
    const auto found = files_.find(key);
    if (found == files_.end()) return;
    for (const auto& [host, use] : found->second->counted)
        all.push_back({.file = {},
                       .what = Shown::What::busy,
                       .owner = {.host = host, .handle = {}},
                       .range = {},
                       .share = {}});
}

std::vector<LockTable::Shown> LockTable::all() {
    const auto keys = this->keys();
    std::vector<Shown> all;
    const auto until = Clock::now() + show_patience;
    for (const auto& key : keys) {
        if (auto* file = enter_known(key, &until)) {
            const Visit visit{*this, *file};
            show(*file, all);
        } else {
            show_busy(key, all);
        }
    }
    return all;
}

}  // namespace berth::nlm
