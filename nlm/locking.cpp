#include "nlm/locking.hpp"

#include <algorithm>
#include <cctype>
#include <cstring>
#include <limits>
#include <memory>
#include <string>
#include <utility>

#include "rpc/peer_log.hpp"

namespace berth::nlm {
namespace {

std::string text_of(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Empty: not a valid range. Length 0 goes to the end of file, and so does the largest length,
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
    // NLM's only status for "later" that clients act on.
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

/// Locks outlive the call, and so must their export, which may be withdrawn meanwhile.
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
    std::unique_ptr<vfs::FileLocks> locks_;  // destroyed first
};

Host host_of(const rpc::Call& call, std::string_view name) {
    return {.address = call.caller.address, .name = std::string{name}};
}

}  // namespace

vfs::Result<std::unique_ptr<vfs::FileLocks>> Locking::open_locks(const access::Admitted& admitted) {
    const auto node = access::Resolver::find(admitted, admitted.named);
    if (!node) return node.error();
    auto locks = (*node)->open_locks(admitted.caller);
    if (!locks) return locks.error();
    return std::make_unique<KeptLocks>(admitted.exported->files, std::move(*locks));
}

std::optional<MonitorList::Stay> Locking::monitor(const Monitored& client) {
    auto added = monitored_.add(client);
    if (added) return *std::move(added);
    if (added.error() == MonitorList::Refusal::too_many && full_.is_first(client.host))
        rpc::warn_of(client.host.address,
                     "locks: {}: too many clients hold locks, in total or at this address; "
                     "its lock requests are refused",
                     client.host.text());
    return {};
}

bool Locking::may_reclaim(rpc::Call& call, const Host& host) const {
    if (monitored_.may_reclaim(host, call.caller.has_reserved_port())) return true;
    call.forget_reply();
    return false;
}

FileKey Locking::key_of(std::span<const std::byte> handle) {
    const auto opened = resolver_.sealer().open(handle);
    if (!opened) return text_of(handle);
    const auto exports = resolver_.exports().pin(&handle);
    const auto* exported = exports->find(opened->export_id);
    auto id_spaces = id_spaces_.synchronize();
    auto& id_space = (*id_spaces)[opened->export_id];
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
    const auto admitted = resolver_.admit(call, asked.file);
    if (!admitted) return {.status = to_status(admitted.error()), .holder = {}};
    auto holder = table_.test(*request, [&] { return open_locks(*admitted); });
    if (!holder) return {.status = to_status(holder.error()), .holder = {}};
    if (!*holder) return {.status = Status::granted, .holder = {}};
    return {.status = Status::denied, .holder = std::move(**holder)};
}

Status Locking::lock(rpc::Call& call, const Asked& asked) {
    // During the grace period only reclaims are accepted, after it only new locks.
    if (grace_.is_on() != asked.reclaim) {
        call.forget_reply();
        return Status::denied_grace_period;
    }
    auto request = request_of(call, asked);
    if (!request) return Status::too_big;
    // A caller without access changes nothing, even if it got locks while it still had access.
    const auto admitted = resolver_.admit(call, asked.file);
    if (!admitted) return to_status(admitted.error());
    if (asked.exclusive && admitted->options->read_only) return Status::read_only;
    // Reclaims often come without a state number.
    if (request->state == 0) request->state = monitored_.state_of(request->owner.host);
    const auto& host = request->owner.host;
    if (asked.reclaim && !may_reclaim(call, host)) return Status::denied_no_locks;
    const Monitored monitored{.host = host,
                              .local = call.local.address,
                              .state = asked.state,
                              .used = {},
                              .from_reserved_port = request->from_reserved_port};
    // Begins before the client has the lock, because after a crash in between the client would not
    // learn of its loss; and lasts until it has the lock, because opening the file may take long.
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

// Does not open the file: it may have been removed, and its locks must still go.
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
    const auto admitted = resolver_.admit(call, args.share.file.bytes());
    if (!admitted) return to_status(admitted.error());
    if (args.reclaim && !may_reclaim(call, host_of(call, args.share.caller_name)))
        return Status::denied_no_locks;
    const auto node = access::Resolver::find(*admitted, admitted->named);
    if (!node) return to_status(node.error());
    const auto wanted = static_cast<std::uint32_t>(args.share.access);
    const bool to_read = (wanted & 1U) != 0;
    const bool to_write = (wanted & 2U) != 0;
    const auto asked =
        static_cast<std::uint8_t>((to_read ? vfs::may_read : 0) | (to_write ? vfs::may_write : 0));
    if (to_write && admitted->options->read_only) return Status::read_only;
    const auto granted = (*node)->access(admitted->caller, asked);
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
