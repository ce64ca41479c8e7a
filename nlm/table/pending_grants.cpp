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

PendingGrants::PendingGrants() : grants_(Grants{.pending = {}, .last_id = unused_id()}) {}

Grant PendingGrants::add(const LockedFile::Served& served) {
    auto grants = grants_.synchronize();
    Grant grant{
        .id = ++grants->last_id, .request = served.waiter.request, .path = served.waiter.path};
    vfs::LockedRanges undone;
    undone.lock({grant.request.wanted.range, vfs::LockKind::exclusive});
    grants->pending.emplace(
        grant.id, Pending{.grant = grant, .undone = std::move(undone), .before = served.before});
    return grant;
}

void PendingGrants::changed(const LockedFile& file, const LockRequest& request) {
    const auto& range = request.wanted.range;
    auto grants = grants_.synchronize();
    for (auto next = grants->pending.begin(); next != grants->pending.end();) {
        const auto entry = next++;
        auto& pending = entry->second;
        const auto& granted = pending.grant.request;
        if (granted.file != request.file || granted.owner != request.owner ||
            !granted.wanted.range.meets(range))
            continue;
        pending.undone.unlock(range);
        if (!file.holds(request.owner, granted.wanted)) grants->pending.erase(entry);
    }
}

void PendingGrants::forget(const LockRequest& request) {
    auto grants = grants_.synchronize();
    std::erase_if(grants->pending, [&](const auto& entry) {
        const auto& granted = entry.second.grant.request;
        return granted.file == request.file && granted.owner == request.owner &&
               granted.wanted.range == request.wanted.range;
    });
}

void PendingGrants::forget(const FileKey& key, const IsMeant& is_meant) {
    auto grants = grants_.synchronize();
    std::erase_if(grants->pending, [&](const auto& entry) {
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
    auto grants = grants_.synchronize();
    const auto found = grants->pending.find(id);
    if (found != grants->pending.end() && is_believed(found->second, from, from_reserved_port))
        grants->pending.erase(found);
}

std::optional<FileKey> PendingGrants::file_of(std::uint64_t id, const rpc::Address& from,
                                              bool from_reserved_port) const {
    auto grants = grants_.synchronize();
    const auto found = grants->pending.find(id);
    if (found == grants->pending.end() || !is_believed(found->second, from, from_reserved_port))
        return {};
    return found->second.grant.request.file;
}

std::optional<PendingGrants::Refused> PendingGrants::take(std::uint64_t id) {
    auto grants = grants_.synchronize();
    auto taken = grants->pending.extract(id);
    if (taken.empty()) return {};
    auto& pending = taken.mapped();
    return Refused{.owner = std::move(pending.grant.request.owner),
                   .undone = std::move(pending.undone),
                   .before = std::move(pending.before),
                   .times_told = pending.times_told};
}

bool PendingGrants::contains(std::uint64_t id) const {
    auto grants = grants_.synchronize();
    return grants->pending.contains(id);
}

void PendingGrants::telling(std::uint64_t id) {
    auto grants = grants_.synchronize();
    if (const auto found = grants->pending.find(id); found != grants->pending.end())
        ++found->second.times_told;
}

void PendingGrants::not_told(std::uint64_t id) {
    auto grants = grants_.synchronize();
    if (const auto found = grants->pending.find(id); found != grants->pending.end())
        --found->second.times_told;
}

std::size_t PendingGrants::size() const {
    auto grants = grants_.synchronize();
    return grants->pending.size();
}

}  // namespace berth::nlm
