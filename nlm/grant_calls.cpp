#include "nlm/grant_calls.hpp"

#include <string>

#include "nlm/cookie.hpp"
#include "nlm/protocol.hpp"

namespace berth::nlm {
namespace {

std::span<const std::byte> bytes_of(const std::string& text) {
    return std::as_bytes(std::span{text});
}

/// Valid for as long as the grant and the cookie.
template <class V>
TestArgs<V> args_of(const Grant& grant, const Cookie& cookie) {
    using Offset = typename V::Offset;
    const auto& request = grant.request;
    return {.cookie = std::span<const std::byte>{cookie},
            .exclusive = request.wanted.kind == vfs::LockKind::exclusive,
            .lock = {.caller_name = std::string_view{request.owner.host.name},
                     .file = bytes_of(request.file_handle),
                     .owner = bytes_of(request.owner.handle),
                     .svid = request.owner.svid,
                     .offset = static_cast<Offset>(request.offset),
                     .length = static_cast<Offset>(request.length)}};
}

/// Whether the call certainly did not reach a lock manager that could have acted on it.
bool is_surely_not_told(const rpc::Failure& failure) {
    using boost::system::errc::errc_t;
    const bool is_refused =
        failure.kind == rpc::Failure::Kind::refused || failure.kind == rpc::Failure::Kind::denied;
    return is_refused || failure.system == errc_t::connection_refused ||
           failure.system == errc_t::host_unreachable ||
           failure.system == errc_t::network_unreachable;
}

template <class V>
bool tell(LockTable& table, const Grant& grant, rpc::Client& client) {
    const auto cookie = cookie_of(grant.id);
    table.telling(grant.id);
    const auto answer = client.call<Granted<V>>(args_of<V>(grant, cookie));
    if (!answer) {
        if (is_surely_not_told(answer.error())) table.not_told(grant.id);
        return false;
    }
    switch (answer->status) {
    case V::Status::granted: table.acknowledge(grant.id, grant.path.client); return true;
    case V::Status::denied_grace_period: table.not_told(grant.id); return false;
    default: table.refuse(grant.id, grant.path.client); return true;
    }
}

/// The client answers with a call of its own, GRANTED_RES; until then it is told again.
template <class V>
bool tell_by_message(LockTable& table, const Grant& grant, rpc::Client& client) {
    const auto cookie = cookie_of(grant.id);
    table.telling(grant.id);
    const auto sent = client.call<GrantedMessage<V>>(args_of<V>(grant, cookie));
    if (!sent && is_surely_not_told(sent.error())) table.not_told(grant.id);
    return !table.is_pending(grant.id);
}

}  // namespace

void GrantCalls::granted(LockTable& table, const Grant& grant) {
    const bool is_wide = grant.path.version == id4.version;
    const auto tell_this = grant.path.by_message
                               ? (is_wide ? tell_by_message<Wide> : tell_by_message<Narrow>)
                               : (is_wide ? tell<Wide> : tell<Narrow>);
    const auto fate = fate_(grant);
    if (!fate.is_sent) return;
    const auto due = Callbacks::Clock::now() + fate.delay;
    callbacks_.post({
        .path = grant.path,
        .program = {.number = program_number, .version = grant.path.version, .name = "NLM"},
        .call =
            [&table, grant, tell_this, fate, due](rpc::Client& client) {
                if (Callbacks::Clock::now() < due) return false;
                bool is_done = tell_this(table, grant, client);
                for (unsigned copy = 0; copy < fate.copies; ++copy)
                    is_done |= tell_this(table, grant, client);
                return is_done;
            },
        .is_wanted =
            [&table, grant, fate] {
                if (fate.is_refused) table.refuse(grant.id, grant.path.client);
                return table.is_pending(grant.id);
            },
        .patience = {},
        .kind = Callback::Kind::grant,
    });
}

}  // namespace berth::nlm
