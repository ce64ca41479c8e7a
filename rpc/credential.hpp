// Reads the credential and verifier of a call — RFC 5531 §8.2, §9, Appendix A.
#pragma once

#include "rpc/call.hpp"
#include "xdr/reader.hpp"

namespace berth::rpc {

/// Reads both from `in`, and leaves it at the arguments. AUTH_NONE and AUTH_SYS are understood. For
/// procedure 0 any other well-formed flavour but AUTH_TLS passes as AUTH_NONE, because a ping does
/// no work. If the reader has not failed, a refusal concerns the content, and the arguments can
/// still be read.
AuthStatus read_credential(xdr::Reader& in, bool is_null_procedure, Credential& credential);

}  // namespace berth::rpc
