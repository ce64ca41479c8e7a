#include "nfs/access/refused_calls.hpp"

#include <new>

#include "nfs/access/caller.hpp"
#include "nfs/exports/reasons.hpp"
#include "rpc/peer_log.hpp"

namespace berth::access {
namespace {

namespace reasons = exports::reasons;

void tell_unlisted(const rpc::Call& call, const exports::Export& exported) {
    const auto& client = call.caller.address;
    rpc::warn_rarely_about(client, exported.path, "calls of {} to {} are refused: {}; {}", client,
                           exported.path, reasons::no_entry, reasons::way_to_allow(exported));
}

void tell_insecure_port(const rpc::Call& call, const exports::Table& table,
                        const exports::Export& exported) {
    const auto& client = call.caller.address;
    // Port 1 satisfies every entry.
    const auto rule = table.admit(exported, {.client = origin_of(call).client, .port = 1});
    rpc::warn_rarely_about(
        client, exported.path,
        "calls of {} to {} are refused: the entry {} wants ports below 1024, and "
        "they come from port {}; insecure would allow others",
        client, exported.path, rule ? reasons::entry(exported, **rule) : exported.path,
        call.caller.port);
}

void tell_flavor(const rpc::Call& call, const exports::Export& exported,
                 const exports::ClientRule& rule) {
    const auto& client = call.caller.address;
    rpc::warn_rarely_about(
        client, exported.path,
        "calls of {} to {} are refused: they come without a user (AUTH_NONE), and "
        "the entry {} has sec=sys; sec=sys:none would allow them",
        client, exported.path, reasons::entry(exported, rule));
}

void tell_gone(const rpc::Call& call, exports::ExportId id) {
    const auto& client = call.caller.address;
    rpc::warn_rarely_of(client,
                        "{} uses file handles of an export that is not there (number {:08x}), and "
                        "is told that they are stale: export the directory again, under the path "
                        "or fsid that it had, or unmount it on the client",
                        client, static_cast<std::uint32_t>(id));
}

void tell(const rpc::Call& call, const exports::Exports& exports, exports::ExportId id) {
    const auto table = exports.pin(&call);
    const auto* const exported = table->find(id);
    if (exported == nullptr) return tell_gone(call, id);
    const auto rule = table->admit(*exported, origin_of(call));
    if (rule) {
        const bool has_user = call.credential.flavor == rpc::AuthFlavor::sys;
        const bool may_call =
            (*rule)->options(has_user ? exports::Flavor::sys : exports::Flavor::none).has_value();
        if (!may_call) tell_flavor(call, *exported, **rule);
        return;
    }
    switch (rule.error()) {
    case exports::Refusal::unlisted: return tell_unlisted(call, *exported);
    case exports::Refusal::insecure_port: return tell_insecure_port(call, *table, *exported);
    case exports::Refusal::unknown: break;  // it is told to come later
    }
}

}  // namespace

void tell_refused(const rpc::Call& call, const exports::Exports& exports, exports::ExportId id,
                  std::errc error) noexcept {
    if (error == vfs::would_block) return;
    try {
        tell(call, exports, id);
    } catch (const std::bad_alloc&) {  // NOLINT(bugprone-empty-catch)
        // The call does without the line.
    }
}

void tell_unknown_handle(const rpc::Call& call) noexcept {
    const auto& client = call.caller.address;
    rpc::warn_rarely_of(client,
                        "{} uses file handles that this server has not made, or has made with "
                        "another key (see --state); unmount and mount there",
                        client);
}

}  // namespace berth::access
