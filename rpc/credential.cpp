#include "rpc/credential.hpp"

#include "xdr/codec.hpp"

namespace berth::rpc {

namespace {

AuthStatus read_auth_sys(const OpaqueAuth& auth, Credential& credential) {
    xdr::Reader in{auth.body.bytes()};
    AuthSys sys;
    xdr::decode(in, sys);
    if (!in.ok() || !in.rest().empty()) return AuthStatus::bad_credential;
    credential.uid = sys.uid;
    credential.gid = sys.gid;
    credential.gids = sys.gids.items;
    credential.machine_name = sys.machine_name;
    return AuthStatus::ok;
}

AuthStatus judge(const OpaqueAuth& auth, bool is_null_procedure, Credential& credential) {
    switch (auth.flavor) {
    case AuthFlavor::none:
        return auth.body.size() == 0 ? AuthStatus::ok : AuthStatus::bad_credential;
    case AuthFlavor::sys: return read_auth_sys(auth, credential);
    // The server never hands out a short-hand, so none can be valid; the client falls back to
    // AUTH_SYS (Appendix A).
    case AuthFlavor::short_hand: return AuthStatus::rejected_credential;
    // The status that RFC 9289 §4.1 defines for "no TLS here"; a success would be ambiguous.
    case AuthFlavor::tls: return AuthStatus::bad_credential;
    case AuthFlavor::gss: break;
    }
    return is_null_procedure ? AuthStatus::ok : AuthStatus::bad_credential;
}

}  // namespace

AuthStatus read_credential(xdr::Reader& in, bool is_null_procedure, Credential& credential) {
    credential.flavor = AuthFlavor::none;
    credential.uid = credential.gid = 0;
    credential.gids.clear();
    credential.machine_name = {};

    OpaqueAuth auth;
    OpaqueAuth verifier;
    xdr::decode(in, auth);
    if (!in.ok()) return AuthStatus::bad_credential;
    xdr::decode(in, verifier);
    if (!in.ok()) return AuthStatus::bad_verifier;

    const auto status = judge(auth, is_null_procedure, credential);
    if (status != AuthStatus::ok) return status;
    if (auth.flavor != AuthFlavor::sys) return AuthStatus::ok;
    // AUTH_SYS proves nothing, so its verifier is empty by definition (RFC 5531 Appendix A).
    if (verifier.flavor != AuthFlavor::none || verifier.body.size() != 0)
        return AuthStatus::bad_verifier;
    credential.flavor = AuthFlavor::sys;
    return AuthStatus::ok;
}

}  // namespace berth::rpc
