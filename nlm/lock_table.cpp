#include "nlm/lock_table.hpp"

#include <algorithm>
#include <random>
#include <utility>

#include <spdlog/spdlog.h>

namespace berth::nlm {

struct LockTable::File {
    explicit File(FileKey name) : key(std::move(name)) {}

    const FileKey key;
    mutable std::mutex lock;  ///< taken before the table's
    LockedFile locks;
    std::vector<Share> shares;
    std::map<Host, Use> counted;  ///< what is of this file in the table's counts
};

/// One operation on a file: holds its lock, and at the end has the counts follow, gives a file
/// without locks up and tells of grants.
class LockTable::Visit {
public:
    Visit(LockTable& table, std::shared_ptr<File> file)
        : table_(table),
          file_(std::move(file)),
          held_(file_->lock) {}
    Visit(const Visit&) = delete;
    Visit& operator=(const Visit&) = delete;

    File* operator->() const { return file_.get(); }
    /// Something was let go of: who waits may have it.
    void serve() {
        for (auto& served : file_->locks.serve()) {
            const std::lock_guard guard{table_.lock_};
            Grant grant{.id = ++table_.last_id_,
                        .request = std::move(served.waiter.request),
                        .path = served.waiter.path};
            table_.pending_.emplace(grant.id, Pending{grant, std::move(served.before), 0});
            grants_.push_back(std::move(grant));
        }
    }

    ~Visit() {
        const bool is_contended = file_->locks.is_contended();
        bool is_new = false;
        {
            const std::lock_guard guard{table_.lock_};
            table_.recount(*file_);
            if (is_contended)
                is_new = table_.contended_.insert(file_->key).second;
            else
                table_.contended_.erase(file_->key);
            // The table's and this visit's: others, if there are any, will see to it.
            const bool is_last = file_.use_count() == 2;
            if (is_last && file_->locks.empty() && file_->shares.empty())
                table_.files_.erase(file_->key);
        }
        held_.unlock();
        for (const auto& grant : grants_) table_.events_.granted(table_, grant);
        if (is_new) table_.events_.contended();
    }

private:
    LockTable& table_;
    const std::shared_ptr<File> file_;
    std::unique_lock<std::mutex> held_;
    std::vector<Grant> grants_;
};

namespace {

std::uint64_t unused_id() {
    std::random_device device;
    return std::uint64_t{device()} << 32 | device();
}

bool exclude(const Share& a, const Share& b) {
    return a.owner != b.owner && ((a.access & b.mode) != 0 || (a.mode & b.access) != 0);
}

}  // namespace

LockTable::LockTable(const LockLimits& limits, LockEvents& events)
    : limits_(limits),
      events_(events),
      last_id_(unused_id()) {}

LockTable::~LockTable() = default;

std::shared_ptr<LockTable::File> LockTable::find(const FileKey& key) const {
    const std::lock_guard guard{lock_};
    const auto found = files_.find(key);
    return found == files_.end() ? nullptr : found->second;
}

std::shared_ptr<LockTable::File> LockTable::find_or_add(const FileKey& key) {
    const std::lock_guard guard{lock_};
    auto& file = files_[key];
    if (!file) file = std::make_shared<File>(key);
    return file;
}

std::vector<std::shared_ptr<LockTable::File>> LockTable::files() const {
    const std::lock_guard guard{lock_};
    std::vector<std::shared_ptr<File>> all;
    all.reserve(files_.size());
    for (const auto& [key, file] : files_) all.push_back(file);
    return all;
}

bool LockTable::has_room(const Host& host) {
    const std::lock_guard guard{lock_};
    const auto use = uses_.find(host);
    return (use == uses_.end() || use->second.locks < limits_.client_locks_max) &&
           total_.locks < limits_.locks_max && total_.open_files < limits_.open_files_max;
}

bool LockTable::has_room_to_wait(const Host& host) {
    const std::lock_guard guard{lock_};
    const auto use = uses_.find(host);
    return (use == uses_.end() || use->second.waits < limits_.client_waiters_max) &&
           total_.waits + pending_.size() < limits_.waiters_max;
}

LockTable::Answer LockTable::refuse_for_room(const Host& host, std::string_view what) {
    const std::lock_guard guard{lock_};
    const auto use = uses_.find(host);
    const bool is_told = use == uses_.end() ? std::exchange(total_.is_told, true)
                                            : std::exchange(use->second.is_told, true);
    if (!is_told) spdlog::warn("{}: too many {}; more are refused", host.text(), what);
    return Answer::no_room;
}

void LockTable::recount(File& file) {
    std::map<Host, Use> now;
    for (const auto& [owner, holding] : file.locks.holdings()) {
        auto& use = now[owner.host];
        use.locks += holding.ranges.size();
        use.waits += holding.waits;
        ++use.open_files;
    }
    for (const auto& share : file.shares) ++now[share.owner.host].locks;
    const auto add = [](Use& use, const Use& more) {
        use.locks += more.locks;
        use.waits += more.waits;
        use.open_files += more.open_files;
    };
    const auto subtract = [](Use& use, const Use& less) {
        use.locks -= less.locks;
        use.waits -= less.waits;
        use.open_files -= less.open_files;
    };
    for (const auto& [host, use] : now) {
        add(uses_[host], use);
        add(total_, use);
    }
    for (const auto& [host, use] : file.counted) {
        const auto known = uses_.find(host);
        subtract(known->second, use);
        subtract(total_, use);
        if (known->second.locks + known->second.waits == 0) uses_.erase(known);
    }
    file.counted = std::move(now);
}

void LockTable::forget_pending(const LockRequest& request) {
    const std::lock_guard guard{lock_};
    std::erase_if(pending_, [&](const auto& entry) {
        const auto& granted = entry.second.grant.request;
        return granted.file == request.file && granted.owner == request.owner &&
               granted.wanted.range == request.wanted.range;
    });
}

vfs::Result<LockTable::Answer> LockTable::lock(const LockRequest& request, const OpenLocks& open,
                                               const ReturnPath* if_blocked) {
    const auto& host = request.owner.host;
    if (!has_room(host)) return refuse_for_room(host, "locks");
    Visit file{*this, find_or_add(request.file)};
    if (if_blocked != nullptr) {
        if (auto* waiter = file->locks.find_waiter(request)) {
            waiter->path = *if_blocked;
            return Answer::blocked;
        }
    }
    const bool may_wait = if_blocked != nullptr && has_room_to_wait(host);
    const auto outcome = file->locks.lock(request, open, may_wait);
    if (!outcome) return outcome.error();
    if (*outcome == LockedFile::Attempt::granted) {
        forget_pending(request);
        file->locks.stop_waiting(request);
        file.serve();  // it may have been a downgrade
        return Answer::granted;
    }
    if (if_blocked == nullptr) return Answer::denied;
    if (!may_wait) return refuse_for_room(host, "waiting for locks");
    file->locks.wait(request, *if_blocked);
    return Answer::blocked;
}

vfs::Result<std::optional<LockTable::Holder>> LockTable::test(const LockRequest& request,
                                                              const OpenLocks& open) {
    const Visit file{*this, find_or_add(request.file)};
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
    const auto found = find(request.file);
    if (!found) return {};
    Visit file{*this, found};
    for (const auto kind : {vfs::LockKind::shared, vfs::LockKind::exclusive}) {
        auto waiting = request;
        waiting.wanted.kind = kind;
        file->locks.stop_waiting(waiting);
    }
    forget_pending(request);
    auto unlocked = file->locks.unlock(request.owner, request.wanted.range);
    file.serve();
    return unlocked;
}

bool LockTable::cancel(const LockRequest& request) {
    const auto found = find(request.file);
    if (!found) return false;
    Visit file{*this, found};
    forget_pending(request);
    const bool had_waited = file->locks.stop_waiting(request);
    if (had_waited) file.serve();  // others may have queued behind it
    return had_waited;
}

LockTable::Answer LockTable::share(const FileKey& key, const Share& share) {
    if (!has_room(share.owner.host)) return refuse_for_room(share.owner.host, "locks");
    const Visit file{*this, find_or_add(key)};
    const bool is_excluded = std::ranges::any_of(
        file->shares, [&](const Share& other) { return exclude(share, other); });
    if (is_excluded) return Answer::denied;
    std::erase_if(file->shares, [&](const Share& other) { return other.owner == share.owner; });
    file->shares.push_back(share);
    return Answer::granted;
}

void LockTable::unshare(const FileKey& key, const Owner& owner) {
    const auto found = find(key);
    if (!found) return;
    const Visit file{*this, found};
    std::erase_if(file->shares, [&](const Share& share) { return share.owner == owner; });
}

std::size_t LockTable::free(const IsMeant& is_meant) {
    std::size_t freed = 0;
    for (auto& found : files()) {
        Visit file{*this, std::move(found)};
        freed += file->locks.free(is_meant);
        freed += std::erase_if(
            file->shares, [&](const Share& share) { return is_meant(share.owner, share.state); });
        {
            const std::lock_guard guard{lock_};
            std::erase_if(pending_, [&](const auto& entry) {
                const auto& request = entry.second.grant.request;
                return request.file == file->key && is_meant(request.owner, request.state);
            });
        }
        file.serve();
    }
    return freed;
}

void LockTable::acknowledge(std::uint64_t id, const rpc::Address& from) {
    const std::lock_guard guard{lock_};
    const auto found = pending_.find(id);
    if (found != pending_.end() && found->second.grant.path.client == from) pending_.erase(found);
}

void LockTable::refuse(std::uint64_t id, const rpc::Address& from) {
    FileKey key;
    {
        const std::lock_guard guard{lock_};
        const auto found = pending_.find(id);
        if (found == pending_.end() || found->second.grant.path.client != from) return;
        key = found->second.grant.request.file;
    }
    const auto found = find(key);
    if (!found) return;
    Visit file{*this, found};
    Pending refused;
    {
        // Out of date if the owner has locked or unlocked the range meanwhile.
        const std::lock_guard guard{lock_};
        auto taken = pending_.extract(id);
        if (taken.empty()) return;
        refused = std::move(taken.mapped());
    }
    if (refused.times_told > 1) return;
    const auto& request = refused.grant.request;
    const auto restored = file->locks.restore(request.owner, request.wanted.range, refused.before);
    if (!restored)
        spdlog::warn("{}: a lock it refused can't be taken back: {}", request.owner.host.text(),
                     std::make_error_code(restored.error()).message());
    file.serve();
}

bool LockTable::is_pending(std::uint64_t id) const {
    const std::lock_guard guard{lock_};
    return pending_.contains(id);
}

void LockTable::telling(std::uint64_t id) {
    const std::lock_guard guard{lock_};
    if (const auto found = pending_.find(id); found != pending_.end()) ++found->second.times_told;
}

void LockTable::not_told(std::uint64_t id) {
    const std::lock_guard guard{lock_};
    if (const auto found = pending_.find(id); found != pending_.end()) --found->second.times_told;
}

bool LockTable::retry() {
    std::set<FileKey> contended;
    {
        const std::lock_guard guard{lock_};
        contended = contended_;
    }
    for (const auto& key : contended)
        if (const auto found = find(key)) Visit{*this, found}.serve();
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

std::vector<LockTable::Shown> LockTable::all() const {
    std::vector<Shown> all;
    for (const auto& file : files()) {
        const std::lock_guard guard{file->lock};
        std::string name;
        for (const auto& [owner, holding] : file->locks.holdings()) {
            if (name.empty()) name = holding.locks->describe_file();
            for (const auto& held : holding.ranges.all())
                all.push_back({.file = name, .owner = owner, .range = held, .share = {}});
        }
        for (const auto& waiter : file->locks.waiters())
            all.push_back({.file = name,
                           .what = Shown::What::wait,
                           .owner = waiter.request.owner,
                           .range = waiter.request.wanted,
                           .share = {}});
        for (const auto& share : file->shares)
            all.push_back({.file = name,
                           .what = Shown::What::share,
                           .owner = share.owner,
                           .range = {},
                           .share = share});
    }
    return all;
}

}  // namespace berth::nlm
