#include "nlm/locking.hpp"

#include <algorithm>
#include <cctype>
#include <cstring>
#include <limits>
#include <memory>
#include <string>
#include <utility>

#include <spdlog/spdlog.h>

namespace berth::nlm {
namespace {

std::string text_of(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// None: the range is no range. Length 0 goes to the end of file, and so does the largest one,
/// which some clients send for that.
std::optional<vfs::ByteRange> range_of(const Asked& asked) {
    constexpr std::uint64_t narrow_max = std::numeric_limits<std::uint32_t>::max();
    const auto length_max =
        asked.is_narrow ? narrow_max : std::numeric_limits<std::uint64_t>::max();
    const auto byte_max = asked.is_narrow ? narrow_max : vfs::ByteRange::byte_max;
    if (asked.offset > byte_max) return {};
    if (asked.length == 0 || asked.length == length_max)
        return vfs::ByteRange{asked.offset, vfs::ByteRange::byte_max};
    if (asked.length - 1 > byte_max - asked.offset) return {};
    return vfs::ByteRange{asked.offset, asked.offset + asked.length - 1};
}

Status to_status(std::errc error) {
    if (error == vfs::stale || error == vfs::bad_handle) return Status::stale_handle;
    // "Later", the one word for it that clients act on.
    if (error == vfs::would_block) return Status::denied_grace_period;
    switch (error) {
    case std::errc::read_only_file_system: return Status::read_only;
    case std::errc::no_lock_available:
    case std::errc::too_many_files_open:
    case std::errc::too_many_files_open_in_system:
    case std::errc::not_enough_memory: return Status::denied_no_locks;
    default: return Status::failed;
    }
}

Status to_status(LockTable::Answer answer) {
    switch (answer) {
    case LockTable::Answer::granted: return Status::granted;
    case LockTable::Answer::denied: return Status::denied;
    case LockTable::Answer::blocked: return Status::blocked;
    case LockTable::Answer::no_room: break;
    }
    return Status::denied_no_locks;
}

vfs::Claim claim_of(rpc::Call& call) {
    const auto& credential = call.credential;
    const bool has_user = credential.flavor == rpc::AuthFlavor::sys;
    return {.flavor = has_user ? vfs::Flavor::sys : vfs::Flavor::none,
            .identity = {credential.uid, credential.gid, credential.gids},
            .room = call.memory.array<gid_t>(credential.gids.size())};
}

/// Locks outlive the call, and so their export, which may be taken back meanwhile.
class KeptLocks final : public vfs::FileLocks {
public:
    KeptLocks(std::shared_ptr<vfs::FileSystem> files, std::unique_ptr<vfs::FileLocks> locks)
        : files_(std::move(files)),
          locks_(std::move(locks)) {}

    vfs::Result<bool> lock(const vfs::LockedRange& wanted) override { return locks_->lock(wanted); }
    vfs::Result<void> unlock(const vfs::ByteRange& range) override { return locks_->unlock(range); }
    vfs::Result<std::optional<Obstacle>> obstacle_to(const vfs::LockedRange& wanted) override {
        return locks_->obstacle_to(wanted);
    }
    [[nodiscard]] std::string describe_file() const override { return locks_->describe_file(); }

private:
    std::shared_ptr<vfs::FileSystem> files_;
    std::unique_ptr<vfs::FileLocks> locks_;  // goes first
};

Host host_of(const rpc::Call& call, std::string_view name) {
    return {.address = call.caller.address, .name = std::string{name}};
}

}  // namespace

vfs::Result<Locking::Admitted> Locking::admit(rpc::Call& call,
                                              std::span<const std::byte> handle) const {
    const auto opened = sealer_.open(handle);
    if (!opened) return opened.error();
    const vfs::CallOrigin from{
        .client = vfs::ClientAddress::of(call.caller.address.bytes, call.caller.address.v6),
        .port = call.caller.port};
    auto permit = exports_.admit(opened->export_id, from, claim_of(call), vfs::Wait::yes, &call);
    if (!permit && permit.error() == vfs::would_block) call.forget_reply();
    if (!permit) return permit.error();
    return Admitted{.permit = std::move(*permit), .object = opened->object, .way = opened->way};
}

vfs::Result<vfs::NodePtr> Locking::find(const Admitted& admitted) {
    auto node =
        admitted.permit.exported->files->find(admitted.object, admitted.way, vfs::Wait::yes);
    if (!node && node.error() == std::errc::invalid_argument) return vfs::stale;
    return node;
}

vfs::Result<std::unique_ptr<vfs::FileLocks>> Locking::open_locks(const Admitted& admitted) {
    const auto node = find(admitted);
    if (!node) return node.error();
    auto locks = (*node)->open_locks(admitted.caller());
    if (!locks) return locks.error();
    return std::make_unique<KeptLocks>(admitted.permit.exported->files, std::move(*locks));
}

std::optional<MonitorList::Stay> Locking::monitor(const Monitored& client) {
    auto added = monitored_.add(client);
    if (added) return *std::move(added);
    if (added.error() == MonitorList::Refusal::too_many && full_.is_first(client.host))
        spdlog::warn("{}: too many clients hold locks, in all or of its address; its are refused",
                     client.host.text());
    return {};
}

FileKey Locking::key_of(std::span<const std::byte> handle) {
    const auto opened = sealer_.open(handle);
    if (!opened) return text_of(handle);
    const auto exports = exports_.pin(&handle);
    const auto* exported = exports->find(opened->export_id);
    const std::lock_guard locked{lock_};
    auto& id_space = id_spaces_[opened->export_id];
    if (exported != nullptr) id_space = exported->files->id_space();
    return text_of(std::as_bytes(std::span{&id_space, 1})) + text_of(opened->object.bytes());
}

std::optional<LockRequest> Locking::request_of(const rpc::Call& call, const Asked& asked) {
    const auto range = range_of(asked);
    if (!range) return {};
    return LockRequest{
        .file = key_of(asked.file),
        .owner = {.host = host_of(call, asked.caller_name),
                  .svid = asked.svid,
                  .handle = text_of(asked.owner)},
        .wanted = {*range, asked.exclusive ? vfs::LockKind::exclusive : vfs::LockKind::shared},
        .state = asked.state,
        .from_reserved_port = call.caller.has_reserved_port(),
        .file_handle = text_of(asked.file),
        .offset = asked.offset,
        .length = asked.length,
    };
}

Locking::Tested Locking::test(rpc::Call& call, const Asked& asked) {
    if (grace_.is_on()) {
        call.forget_reply();
        return {.status = Status::denied_grace_period, .holder = {}};
    }
    const auto request = request_of(call, asked);
    if (!request) return {.status = Status::too_big, .holder = {}};
    const auto admitted = admit(call, asked.file);
    if (!admitted) return {.status = to_status(admitted.error()), .holder = {}};
    auto holder = table_.test(*request, [&] { return open_locks(*admitted); });
    if (!holder) return {.status = to_status(holder.error()), .holder = {}};
    if (!*holder) return {.status = Status::granted, .holder = {}};
    return {.status = Status::denied, .holder = std::move(**holder)};
}

Status Locking::lock(rpc::Call& call, const Asked& asked) {
    // Locks of before the restart while they can be reclaimed, others when they can't.
    if (grace_.is_on() != asked.reclaim) {
        call.forget_reply();
        return Status::denied_grace_period;
    }
    auto request = request_of(call, asked);
    if (!request) return Status::too_big;
    // Whoever may not, leaves no trace, though he held something before he might not any more.
    const auto admitted = admit(call, asked.file);
    if (!admitted) return to_status(admitted.error());
    if (asked.exclusive && admitted->permit.options->read_only) return Status::read_only;
    // Reclaims often come without one.
    if (request->state == 0) request->state = monitored_.state_of(request->owner.host);
    const auto& host = request->owner.host;
    const Monitored monitored{
        .host = host, .local = call.local.address, .state = asked.state, .used = {}};
    // Before it has the lock: or a crash between the two would leave it unaware of its loss. And
    // until it has: opening the file may take long.
    const auto monitoring = asked.is_monitored ? monitor(monitored) : std::nullopt;
    if (asked.is_monitored && !monitoring) {
        call.forget_reply();
        return Status::denied_no_locks;
    }
    if (asked.reclaim) grace_.heard_of(host);
    const ReturnPath path{.client = call.caller.address,
                          .local = call.local.address,
                          .transport = call.transport,
                          .version = call.program.version,
                          .by_message = asked.by_message,
                          .call_bytes =
                              asked.caller_name.size() + asked.file.size() + asked.owner.size()};
    const bool may_wait = asked.block && !asked.reclaim;
    const auto answer = table_.lock(
        *request, [&] { return open_locks(*admitted); }, may_wait ? &path : nullptr);
    const auto status = answer ? to_status(*answer) : to_status(answer.error());
    if (status == Status::denied_no_locks) call.forget_reply();
    return status;
}

Status Locking::cancel(rpc::Call& call, const Asked& asked) {
    const auto request = request_of(call, asked);
    if (!request) return Status::too_big;
    return table_.cancel(*request) ? Status::granted : Status::denied;
}

// Without opening the file: it may have been removed, and its locks must still go.
Status Locking::unlock(rpc::Call& call, const Asked& asked) {
    const auto request = request_of(call, asked);
    if (!request) return Status::too_big;
    const auto unlocked = table_.unlock(*request);
    return unlocked ? Status::granted : to_status(unlocked.error());
}

Status Locking::share(rpc::Call& call, const ShareArgs& args) {
    if (grace_.is_on() != args.reclaim) {
        call.forget_reply();
        return Status::denied_grace_period;
    }
    const auto admitted = admit(call, args.share.file.bytes());
    if (!admitted) return to_status(admitted.error());
    const auto node = find(*admitted);
    if (!node) return to_status(node.error());
    const auto wanted = static_cast<std::uint32_t>(args.share.access);
    const bool to_read = (wanted & 1U) != 0;
    const bool to_write = (wanted & 2U) != 0;
    const auto asked =
        static_cast<std::uint8_t>((to_read ? vfs::may_read : 0) | (to_write ? vfs::may_write : 0));
    if (to_write && admitted->permit.options->read_only) return Status::read_only;
    const auto granted = (*node)->access(admitted->caller(), asked);
    if (!granted) return to_status(granted.error());
    if (*granted != asked) return Status::failed;
    auto host = host_of(call, args.share.caller_name);
    const auto state = monitored_.state_of(host);
    return to_status(table_.share(
        key_of(args.share.file.bytes()),
        {.owner = {.host = std::move(host), .handle = text_of(args.share.owner.bytes())},
         .mode = static_cast<std::uint32_t>(args.share.mode),
         .access = wanted,
         .state = state,
         .from_reserved_port = call.caller.has_reserved_port()}));
}

Status Locking::unshare(rpc::Call& call, const ShareArgs& args) {
    const bool is_free = table_.unshare(key_of(args.share.file.bytes()),
                                        {.host = host_of(call, args.share.caller_name),
                                         .handle = text_of(args.share.owner.bytes())},
                                        call.caller.has_reserved_port());
    return is_free ? Status::granted : Status::denied_no_locks;
}

void Locking::acknowledge(const rpc::Call& call, std::uint64_t id, bool is_wanted) {
    if (is_wanted)
        table_.acknowledge(id, call.caller.address, call.caller.has_reserved_port());
    else
        table_.refuse(id, call.caller.address, call.caller.has_reserved_port());
}

std::vector<Host> meant_by(std::string_view name, std::vector<Host> hosts_of_address) {
    const auto is_letter_same = [](char a, char b) {
        return std::tolower(static_cast<unsigned char>(a)) ==
               std::tolower(static_cast<unsigned char>(b));
    };
    const auto first_part = [](std::string_view whole) { return whole.substr(0, whole.find('.')); };
    std::vector<Host> meant;
    for (const auto& host : hosts_of_address)
        if (std::ranges::equal(first_part(host.name), first_part(name), is_letter_same))
            meant.push_back(host);
    if (meant.empty() && hosts_of_address.size() == 1) return hosts_of_address;
    return meant;
}

}  // namespace berth::nlm
