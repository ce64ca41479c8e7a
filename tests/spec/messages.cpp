// rpc.x: RFC 5531's messages and credentials.
#include "rpc/message.hpp"
#include "tests/spec/tables.hpp"

namespace berth::spec {

namespace {

using namespace rpc;

constexpr TypeLine types[] = {
    type<AuthFlavor>("auth_flavor"),       type<OpaqueAuth>("opaque_auth"),
    type<MessageType>("msg_type"),         type<ReplyStatus>("reply_stat"),
    type<AcceptStatus>("accept_stat"),     type<RejectStatus>("reject_stat"),
    type<AuthStatus>("auth_stat"),         type<Message>("rpc_msg"),
    type<CallBody>("call_body"),           type<ReplyBody>("reply_body"),
    type<AcceptedReply>("accepted_reply"), type<RejectedReply>("rejected_reply"),
    type<AuthSys>("authsys_parms"),
};

constexpr ConstantLine constants[] = {
    constant("AUTH_NONE", AuthFlavor::none),
    constant("AUTH_SYS", AuthFlavor::sys),
    constant("AUTH_SHORT", AuthFlavor::short_hand),
    constant("RPCSEC_GSS", AuthFlavor::gss),
    constant("CALL", MessageType::call),
    constant("REPLY", MessageType::reply),
    constant("MSG_ACCEPTED", ReplyStatus::accepted),
    constant("MSG_DENIED", ReplyStatus::denied),
    constant("SUCCESS", AcceptStatus::success),
    constant("PROG_UNAVAIL", AcceptStatus::program_unavailable),
    constant("PROG_MISMATCH", AcceptStatus::program_mismatch),
    constant("PROC_UNAVAIL", AcceptStatus::procedure_unavailable),
    constant("GARBAGE_ARGS", AcceptStatus::garbage_arguments),
    constant("SYSTEM_ERR", AcceptStatus::system_error),
    constant("RPC_MISMATCH", RejectStatus::rpc_mismatch),
    constant("AUTH_ERROR", RejectStatus::authentication_error),
    constant("AUTH_OK", AuthStatus::ok),
    constant("AUTH_BADCRED", AuthStatus::bad_credential),
    constant("AUTH_REJECTEDCRED", AuthStatus::rejected_credential),
    constant("AUTH_BADVERF", AuthStatus::bad_verifier),
    constant("AUTH_REJECTEDVERF", AuthStatus::rejected_verifier),
    constant("AUTH_TOOWEAK", AuthStatus::too_weak),
    constant("AUTH_INVALIDRESP", AuthStatus::invalid_response),
    constant("AUTH_FAILED", AuthStatus::failed),
    constant("AUTH_KERB_GENERIC", AuthStatus::kerberos_generic),
    constant("AUTH_TIMEEXPIRE", AuthStatus::time_expired),
    constant("AUTH_TKT_FILE", AuthStatus::ticket_file),
    constant("AUTH_DECODE", AuthStatus::bad_authenticator),
    constant("AUTH_NET_ADDR", AuthStatus::network_address),
    constant("RPCSEC_GSS_CREDPROBLEM", AuthStatus::gss_credential_problem),
    constant("RPCSEC_GSS_CTXPROBLEM", AuthStatus::gss_context_problem),
};

constexpr Exempt exempt[] = {
    {"AUTH_DH", "a flavour that is not spoken and so has no name"},
};

}  // namespace

Specification messages() {
    return {"rpc.x", types, {}, constants, exempt};
}

}  // namespace berth::spec
