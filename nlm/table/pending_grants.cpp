#include "nlm/table/pending_grants.hpp"

#include <random>
#include <utility>

namespace berth::nlm {
namespace {

std::uint64_t unused_id() {
    std::random_device device;
    return std::uint64_t{device()} << 32 | device();
}

}  // namespace

PendingGrants::PendingGrants() : last_id_(unused_id()) {}

Grant PendingGrants::add(const LockedFile::Served& served) {
    const std::lock_guard guard{lock_};
    Grant grant{.id = ++last_id_, .request = served.waiter.request, .path = served.waiter.path};
    vfs::LockedRanges undone;
    undone.lock({grant.request.wanted.range, vfs::LockKind::exclusive});
    pending_.emplace(grant.id,
                     Pending{.grant = grant, .undone = std::move(undone), .before = served.before});
    return grant;
}

void PendingGrants::changed(const LockedFile& file, const LockRequest& request) {
    const auto& range = request.wanted.range;
    const std::lock_guard guard{lock_};
    for (auto next = pending_.begin(); next != pending_.end();) {
        const auto entry = next++;
        auto& pending = entry->second;
        const auto& granted = pending.grant.request;
        if (granted.file != request.file || granted.owner != request.owner ||
            !granted.wanted.range.meets(range))
            continue;
        pending.undone.unlock(range);
        if (!file.holds(request.owner, granted.wanted)) pending_.erase(entry);
    }
}

void PendingGrants::forget(const LockRequest& request) {
    const std::lock_guard guard{lock_};
    std::erase_if(pending_, [&](const auto& entry) {
        const auto& granted = entry.second.grant.request;
        return granted.file == request.file && granted.owner == request.owner &&
               granted.wanted.range == request.wanted.range;
    });
}

void PendingGrants::forget(const FileKey& key, const IsMeant& is_meant) {
    const std::lock_guard guard{lock_};
    std::erase_if(pending_, [&](const auto& entry) {
        const auto& granted = entry.second.grant.request;
        return granted.file == key &&
               is_meant(granted.owner, {granted.state, granted.from_reserved_port});
    });
}

bool PendingGrants::is_believed(const Pending& pending, const rpc::Address& from,
                                bool from_reserved_port) {
    const auto& grant = pending.grant;
    return grant.path.client == from && (from_reserved_port || !grant.request.from_reserved_port);
}

void PendingGrants::acknowledge(std::uint64_t id, const rpc::Address& from,
                                bool from_reserved_port) {
    const std::lock_guard guard{lock_};
    const auto found = pending_.find(id);
    if (found != pending_.end() && is_believed(found->second, from, from_reserved_port))
        pending_.erase(found);
}

std::optional<FileKey> PendingGrants::file_of(std::uint64_t id, const rpc::Address& from,
                                              bool from_reserved_port) const {
    const std::lock_guard guard{lock_};
    const auto found = pending_.find(id);
    if (found == pending_.end() || !is_believed(found->second, from, from_reserved_port)) return {};
    return found->second.grant.request.file;
}

std::optional<PendingGrants::Refused> PendingGrants::take(std::uint64_t id) {
    const std::lock_guard guard{lock_};
    auto taken = pending_.extract(id);
    if (taken.empty()) return {};
    auto& pending = taken.mapped();
    return Refused{.owner = std::move(pending.grant.request.owner),
                   .undone = std::move(pending.undone),
                   .before = std::move(pending.before),
                   .times_told = pending.times_told};
}

bool PendingGrants::contains(std::uint64_t id) const {
    const std::lock_guard guard{lock_};
    return pending_.contains(id);
}

void PendingGrants::telling(std::uint64_t id) {
    const std::lock_guard guard{lock_};
    if (const auto found = pending_.find(id); found != pending_.end()) ++found->second.times_told;
}

void PendingGrants::not_told(std::uint64_t id) {
    const std::lock_guard guard{lock_};
    if (const auto found = pending_.find(id); found != pending_.end()) --found->second.times_told;
}

std::size_t PendingGrants::size() const {
    const std::lock_guard guard{lock_};
    return pending_.size();
}

}  // namespace berth::nlm
