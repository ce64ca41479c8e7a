#include "nlm/table/visit.hpp"

#include <algorithm>
#include <memory>

#include "nlm/table/insist.hpp"

namespace berth::nlm {

using Clock = std::chrono::steady_clock;

void LockTable::Visit::serve() {
    insist([this] {
        file_.locks.serve(
            [this](const Host& host, const auto& growth) { return reserve(host, growth); },
            served_);
    });
    for (const auto& served : served_) {
        changed(served.waiter.request);
        insist([&] { grants_.push_back(table_.pending_.add(served)); });
    }
    served_.clear();
}

void LockTable::Visit::changed(const LockRequest& request) {
    insist([&] { table_.pending_.changed(file_.locks, request); });
}

LockTable::Visit::~Visit() {
    std::optional<bool> is_new;
    for (;;) {
        insist([&] { is_new = leave(); });
        if (is_new) break;
        run_errands();
    }
    for (const auto& grant : grants_) insist([&] { table_.events_.granted(table_, grant); });
    if (*is_new) insist([&] { table_.events_.contended(); });
}

void LockTable::Visit::run_errands() noexcept {
    for (;;) {
        const Errand* errand = nullptr;
        {
            const std::lock_guard guard{table_.lock_};
            if (file_.errands.empty()) return;
            errand = &file_.errands.front();
        }
        insist([&] { (*errand)(*this); });
        const std::lock_guard guard{table_.lock_};
        file_.errands.pop_front();
    }
}

LockTable::File& LockTable::enter(const FileKey& key) {
    std::unique_lock held{lock_};
    auto known = files_.find(key);
    if (known == files_.end()) known = files_.emplace(key, std::make_unique<File>(key)).first;
    auto& file = *known->second;
    ++file.users;
    file.left.wait(held, [&] { return !file.is_visited; });
    file.is_visited = true;
    return file;
}

LockTable::File* LockTable::enter_known(const FileKey& key, const Clock::time_point* until) {
    std::unique_lock held{lock_};
    const auto found = files_.find(key);
    if (found == files_.end()) return nullptr;
    auto& file = *found->second;
    ++file.users;
    const auto is_free = [&] { return !file.is_visited; };
    if (until == nullptr) {
        file.left.wait(held, is_free);
    } else if (!file.left.wait_until(held, *until, is_free)) {
        --file.users;  // another thread still visits it
        return nullptr;
    }
    file.is_visited = true;
    return &file;
}

std::optional<bool> LockTable::leave(File& file, Uses now) {
    struct Change {
        const Host* host;
        Use before;
        Use after;
    };
    std::vector<Change> changes;
    for (const auto& [host, use] : now) {
        const auto before = file.counted.find(host);
        if (before == file.counted.end())
            changes.push_back({&host, {}, use});
        else if (before->second != use)
            changes.push_back({&host, before->second, use});
    }
    for (const auto& [host, use] : file.counted)
        if (!now.contains(host)) changes.push_back({&host, use, {}});

    const std::lock_guard guard{lock_};
    if (!file.errands.empty()) return {};
    for (const auto& change : changes)
        uses_.try_emplace(*change.host);  // allocates all there is to
    for (const auto& change : changes) count(*change.host, change.before, change.after);
    file.counted.swap(now);
    const bool is_contended = file.locks.is_contended();
    if (!is_contended) contended_.erase(file.key);
    const bool is_new = is_contended && contended_.insert(file.key).second;
    file.is_visited = false;
    if (--file.users > 0)
        file.left.notify_one();
    else if (file.locks.empty() && file.shares.empty())
        files_.erase(file.key);
    return is_new;
}

void LockTable::send(const FileKey& key, Errand errand) {
    File* file = nullptr;
    {
        const std::lock_guard guard{lock_};
        const auto found = files_.find(key);
        if (found == files_.end()) return;
        file = found->second.get();
        file->errands.push_back(std::move(errand));
        if (file->is_visited) return;
        file->is_visited = true;
        ++file->users;
    }
    const Visit visit{*this, *file};
}

LockTable::Uses LockTable::count(const File& file) {
    Uses uses;
    for (const auto& [owner, holding] : file.locks.holdings()) {
        auto& use = uses[owner.host];
        use.locks += holding.ranges.size();
        use.waits += holding.waits;
        ++use.open_files;
    }
    for (const auto& share : file.shares) ++uses[share.owner.host].locks;
    return uses;
}

void LockTable::count(const Host& host, const Use& before, const Use& after) {
    const auto replace = [&](Use& use) {
        use.locks += after.locks - before.locks;
        use.waits += after.waits - before.waits;
        use.open_files += after.open_files - before.open_files;
    };
    const auto own = uses_.try_emplace(host).first;
    replace(own->second);
    replace(total_);
    if (own->second == Use{}) uses_.erase(own);
}

/// What all hosts at that address have. The names in front of it can't be told from made up ones.
LockTable::Use LockTable::use_at(const rpc::Address& address) const {
    Use all;
    for (auto own = uses_.lower_bound({.address = address, .name = {}});
         own != uses_.end() && own->first.address == address; ++own) {
        all.locks += own->second.locks;
        all.open_files += own->second.open_files;
    }
    return all;
}

// Counted at once, so that two concurrent requests do not both get the last room. The end of the
// visit corrects the count if nothing came of a request.
bool LockTable::reserve(File& file, const Host& host, const LockedFile::Growth& growth) {
    if (growth.ranges <= 0 && growth.open_files == 0) return true;
    const auto ranges = static_cast<std::size_t>(std::max<std::ptrdiff_t>(growth.ranges, 0));
    const std::lock_guard guard{lock_};
    const auto own = uses_.find(host);
    const auto own_locks = own == uses_.end() ? 0 : own->second.locks;
    if (own_locks + ranges > limits_.client_locks_max) return false;
    // An address has at most as much as it leaves to the others.
    const auto there = use_at(host.address);
    if (there.locks + ranges + total_.locks > limits_.locks_max ||
        there.open_files + growth.open_files + total_.open_files > limits_.open_files_max)
        return false;
    auto& counted = file.counted[host];
    auto grown = counted;
    grown.locks += ranges;
    grown.open_files += growth.open_files;
    count(host, counted, grown);
    counted = grown;
    return true;
}

}  // namespace berth::nlm
