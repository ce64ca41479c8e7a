// The messages of ONC RPC version 2 — RFC 5531 §9 and its authentication flavours (§8, Appendix A).
#pragma once

#include <cstdint>

#include "xdr/types.hpp"

namespace berth::rpc {

inline constexpr std::uint32_t rpc_version = 2;

enum class MessageType : std::uint32_t { call = 0, reply = 1 };
constexpr bool is_valid(MessageType type) {
    return type <= MessageType::reply;
}

enum class ReplyStatus : std::uint32_t { accepted = 0, denied = 1 };
constexpr bool is_valid(ReplyStatus status) {
    return status <= ReplyStatus::denied;
}

enum class AcceptStatus : std::uint32_t {
    success = 0,
    program_unavailable = 1,
    program_mismatch = 2,
    procedure_unavailable = 3,
    garbage_arguments = 4,
    system_error = 5,
};
constexpr bool is_valid(AcceptStatus status) {
    return status <= AcceptStatus::system_error;
}

enum class RejectStatus : std::uint32_t { rpc_mismatch = 0, authentication_error = 1 };
constexpr bool is_valid(RejectStatus status) {
    return status <= RejectStatus::authentication_error;
}

/// An open set too (RFC 5531 §9: a registry assigns the numbers).
enum class AuthStatus : std::uint32_t {
    ok = 0,
    bad_credential = 1,
    rejected_credential = 2,
    bad_verifier = 3,
    rejected_verifier = 4,
    too_weak = 5,
    invalid_response = 6,
    failed = 7,
    kerberos_generic = 8,
    time_expired = 9,
    ticket_file = 10,
    bad_authenticator = 11,
    network_address = 12,
    gss_credential_problem = 13,
    gss_context_problem = 14,
};
constexpr bool is_valid(AuthStatus) {
    return true;
}

/// An open set (RFC 5531 §8.1: a registry assigns the flavours), so every value is valid on the
/// wire.
enum class AuthFlavor : std::uint32_t { none = 0, sys = 1, short_hand = 2, gss = 6, tls = 7 };
constexpr bool is_valid(AuthFlavor) {
    return true;
}

inline constexpr std::uint32_t auth_body_bytes_max = 400;

/// `opaque_auth` — RFC 5531 §8.2.
struct OpaqueAuth {
    AuthFlavor flavor = AuthFlavor::none;
    xdr::Opaque<auth_body_bytes_max> body;
};

/// `authsys_parms` — RFC 5531 Appendix A.
struct AuthSys {
    std::uint32_t stamp = 0;
    xdr::String<255> machine_name;
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    xdr::Array<std::uint32_t, 16> gids;
};

struct CallBody {
    std::uint32_t rpc_version = 0;
    std::uint32_t program = 0;
    std::uint32_t version = 0;
    std::uint32_t procedure = 0;
    OpaqueAuth credential;
    OpaqueAuth verifier;
};

struct MismatchInfo {
    std::uint32_t low = 0;
    std::uint32_t high = 0;
};

/// After `success` the procedure's results follow; they are not part of this type.
using AcceptedBody =
    xdr::Union<AcceptStatus, xdr::Case<AcceptStatus::program_mismatch, MismatchInfo>,
               xdr::Otherwise<xdr::Void>>;

struct AcceptedReply {
    OpaqueAuth verifier;
    AcceptedBody body;
};

using RejectedReply = xdr::Union<RejectStatus, xdr::Case<RejectStatus::rpc_mismatch, MismatchInfo>,
                                 xdr::Case<RejectStatus::authentication_error, AuthStatus>>;

using ReplyBody = xdr::Union<ReplyStatus, xdr::Case<ReplyStatus::accepted, AcceptedReply>,
                             xdr::Case<ReplyStatus::denied, RejectedReply>>;

/// `rpc_msg` — RFC 5531 §9.
struct Message {
    std::uint32_t xid = 0;
    xdr::Union<MessageType, xdr::Case<MessageType::call, CallBody>,
               xdr::Case<MessageType::reply, ReplyBody>>
        body;
};

}  // namespace berth::rpc
