// The wire types of program 100021: NLM version 4 (RFC 1813 Appendix II) and, with 32-bit ranges,
// versions 1 to 3 (X/Open XNFS chapter 10). Version 2 only adds calls within one machine to version
// 1; it is served as version 1.
#pragma once

#include <cstdint>

#include "rpc/call.hpp"
#include "xdr/types.hpp"

namespace berth::nlm {

inline constexpr std::uint32_t program_number = 100021;
inline constexpr rpc::ProgramId id1{program_number, 1, "NLM"};
inline constexpr rpc::ProgramId id2{program_number, 2, "NLM"};
inline constexpr rpc::ProgramId id3{program_number, 3, "NLM"};
inline constexpr rpc::ProgramId id4{program_number, 4, "NLM"};

/// LM_MAXSTRLEN, MAXNAMELEN, MAXNETOBJ_SZ — X/Open XNFS chapter 10.
inline constexpr std::uint32_t caller_name_bytes_max = 1024;
inline constexpr std::uint32_t notified_name_bytes_max = 1025;
inline constexpr std::uint32_t object_bytes_max = 1024;

using CallerName = xdr::String<caller_name_bytes_max>;
using NetObject = xdr::Opaque<object_bytes_max>;

/// `nlm4_stats` — RFC 1813 §6.1.
enum class Status : std::uint32_t {
    granted = 0,
    denied = 1,
    denied_no_locks = 2,
    blocked = 3,
    denied_grace_period = 4,
    deadlock = 5,
    read_only = 6,
    stale_handle = 7,
    too_big = 8,
    failed = 9,
};
constexpr bool is_valid(Status status) {
    return status <= Status::failed;
}

/// `nlm_stats` of versions 1 to 3.
enum class NarrowStatus : std::uint32_t {
    granted = 0,
    denied = 1,
    denied_no_locks = 2,
    blocked = 3,
    denied_grace_period = 4,
    deadlock = 5,
};
constexpr bool is_valid(NarrowStatus status) {
    return status <= NarrowStatus::deadlock;
}

/// How version 4 differs from the others.
struct Wide {
    using Offset = std::uint64_t;
    using Status = nlm::Status;
};
struct Narrow {
    using Offset = std::uint32_t;
    using Status = NarrowStatus;
};

/// `nlm4_holder` — RFC 1813 §6.1. A length of 0 goes to the end of file.
template <class V>
struct Holder {
    bool exclusive = false;
    std::int32_t svid = 0;
    NetObject owner;
    typename V::Offset offset = 0;
    typename V::Offset length = 0;
};

/// `nlm4_lock` — RFC 1813 §6.1.
template <class V>
struct LockArgument {
    CallerName caller_name;
    NetObject file;
    NetObject owner;
    std::int32_t svid = 0;
    typename V::Offset offset = 0;
    typename V::Offset length = 0;
};

template <class V>
struct Response {
    NetObject cookie;
    typename V::Status status{};
};

template <class V>
using TestReply = xdr::Union<typename V::Status, xdr::Case<V::Status::denied, Holder<V>>,
                             xdr::Otherwise<xdr::Void>>;
template <class V>
struct TestResponse {
    NetObject cookie;
    TestReply<V> reply = TestReply<V>::otherwise(V::Status::granted);
};

template <class V>
struct TestArgs {
    NetObject cookie;
    bool exclusive = false;
    LockArgument<V> lock;
};
template <class V>
struct LockArgs {
    NetObject cookie;
    bool block = false;
    bool exclusive = false;
    LockArgument<V> lock;
    bool reclaim = false;
    std::int32_t state = 0;  ///< the client's own NSM state number
};
template <class V>
struct CancelArgs {
    NetObject cookie;
    bool block = false;
    bool exclusive = false;
    LockArgument<V> lock;
};
template <class V>
struct UnlockArgs {
    NetObject cookie;
    LockArgument<V> lock;
};

/// Procedures 1 to 5 — RFC 1813 §6.3: the reply is the answer.
template <class V>
struct Test {
    static constexpr rpc::ProcedureId id{1, "TEST", rpc::Replay::execute, rpc::Runs::on_worker};
    using Args = TestArgs<V>;
    using Result = TestResponse<V>;
};
template <class V>
struct Lock {
    static constexpr rpc::ProcedureId id{2, "LOCK", rpc::Replay::remember, rpc::Runs::on_worker};
    using Args = LockArgs<V>;
    using Result = Response<V>;
};
template <class V>
struct Cancel {
    static constexpr rpc::ProcedureId id{3, "CANCEL", rpc::Replay::remember, rpc::Runs::on_worker};
    using Args = CancelArgs<V>;
    using Result = Response<V>;
};
template <class V>
struct Unlock {
    static constexpr rpc::ProcedureId id{4, "UNLOCK", rpc::Replay::remember, rpc::Runs::on_worker};
    using Args = UnlockArgs<V>;
    using Result = Response<V>;
};
/// A server calls it at the waiting client.
template <class V>
struct Granted {
    static constexpr rpc::ProcedureId id{5, "GRANTED"};
    using Args = TestArgs<V>;
    using Result = Response<V>;
};

/// Procedures 6 to 10: the reply is empty; the answer is a call of one of 11 to 15.
template <class V>
struct TestMessage {
    static constexpr rpc::ProcedureId id{6, "TEST_MSG", rpc::Replay::execute, rpc::Runs::on_worker};
    using Args = TestArgs<V>;
    using Result = xdr::Void;
};
template <class V>
struct LockMessage {
    static constexpr rpc::ProcedureId id{7, "LOCK_MSG", rpc::Replay::remember,
                                         rpc::Runs::on_worker};
    using Args = LockArgs<V>;
    using Result = xdr::Void;
};
template <class V>
struct CancelMessage {
    static constexpr rpc::ProcedureId id{8, "CANCEL_MSG", rpc::Replay::remember,
                                         rpc::Runs::on_worker};
    using Args = CancelArgs<V>;
    using Result = xdr::Void;
};
template <class V>
struct UnlockMessage {
    static constexpr rpc::ProcedureId id{9, "UNLOCK_MSG", rpc::Replay::remember,
                                         rpc::Runs::on_worker};
    using Args = UnlockArgs<V>;
    using Result = xdr::Void;
};
template <class V>
struct GrantedMessage {
    static constexpr rpc::ProcedureId id{10, "GRANTED_MSG"};
    using Args = TestArgs<V>;
    using Result = xdr::Void;
};

template <class V>
struct TestResult {
    static constexpr rpc::ProcedureId id{11, "TEST_RES"};
    using Args = TestResponse<V>;
    using Result = xdr::Void;
};
template <class V>
struct LockResult {
    static constexpr rpc::ProcedureId id{12, "LOCK_RES"};
    using Args = Response<V>;
    using Result = xdr::Void;
};
template <class V>
struct CancelResult {
    static constexpr rpc::ProcedureId id{13, "CANCEL_RES"};
    using Args = Response<V>;
    using Result = xdr::Void;
};
template <class V>
struct UnlockResult {
    static constexpr rpc::ProcedureId id{14, "UNLOCK_RES"};
    using Args = Response<V>;
    using Result = xdr::Void;
};
template <class V>
struct GrantedResult {
    static constexpr rpc::ProcedureId id{15, "GRANTED_RES", rpc::Replay::execute,
                                         rpc::Runs::on_worker};
    using Args = Response<V>;
    using Result = xdr::Void;
};

/// `fsh4_mode`: what is denied to others meanwhile — X/Open XNFS chapter 10.
enum class ShareMode : std::uint32_t { deny_none, deny_read, deny_write, deny_both };
constexpr bool is_valid(ShareMode mode) {
    return mode <= ShareMode::deny_both;
}
/// `fsh4_access`: what the opener wants to do.
enum class ShareAccess : std::uint32_t { none, read, write, both };
constexpr bool is_valid(ShareAccess access) {
    return access <= ShareAccess::both;
}

/// `nlm4_share` — RFC 1813 §6.1.
struct ShareArgument {
    CallerName caller_name;
    NetObject file;
    NetObject owner;
    ShareMode mode = ShareMode::deny_none;
    ShareAccess access = ShareAccess::none;
};
struct ShareArgs {
    NetObject cookie;
    ShareArgument share;
    bool reclaim = false;
};
template <class V>
struct ShareResponse {
    NetObject cookie;
    typename V::Status status{};
    std::int32_t sequence = 0;
};
template <class V>
struct TakeShare {
    static constexpr rpc::ProcedureId id{20, "SHARE", rpc::Replay::remember, rpc::Runs::on_worker};
    using Args = ShareArgs;
    using Result = ShareResponse<V>;
};
template <class V>
struct Unshare {
    static constexpr rpc::ProcedureId id{21, "UNSHARE", rpc::Replay::remember,
                                         rpc::Runs::on_worker};
    using Args = ShareArgs;
    using Result = ShareResponse<V>;
};
/// A lock of a client without an NSM: the client frees its locks itself, with FREE_ALL.
template <class V>
struct UnmonitoredLock {
    static constexpr rpc::ProcedureId id{22, "NM_LOCK", rpc::Replay::remember,
                                         rpc::Runs::on_worker};
    using Args = LockArgs<V>;
    using Result = Response<V>;
};
struct FreeAll {
    static constexpr rpc::ProcedureId id{23, "FREE_ALL", rpc::Replay::remember,
                                         rpc::Runs::on_worker};
    struct Args {
        xdr::String<notified_name_bytes_max> name;
        std::int32_t state = 0;
    };
    using Result = xdr::Void;
};

}  // namespace berth::nlm
