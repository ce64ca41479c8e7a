// nlm4.x: RFC 1813 Appendix II and X/Open XNFS chapter 10.
#include <cstdint>

#include "nlm/protocol.hpp"
#include "tests/spec/tables.hpp"

namespace berth::spec {

namespace {

using namespace nlm;

constexpr TypeLine types[] = {
    type<NetObject>("netobj"),
    type<std::uint64_t>("uint64"),
    type<std::int64_t>("int64"),
    type<std::uint32_t>("uint32"),
    type<std::int32_t>("int32"),
    type<Status>("nlm4_stats"),
    type<Holder<Wide>>("nlm4_holder"),
    type<LockArgument<Wide>>("nlm4_lock"),
    type<ShareArgument>("nlm4_share"),
    type<ShareMode>("fsh4_mode"),
    type<ShareAccess>("fsh4_access"),
    type<Status>("nlm4_stat"),
    type<Response<Wide>>("nlm4_res"),
    type<TestReply<Wide>>("nlm4_testrply"),
    type<TestResponse<Wide>>("nlm4_testres"),
    type<LockArgs<Wide>>("nlm4_lockargs"),
    type<CancelArgs<Wide>>("nlm4_cancargs"),
    type<TestArgs<Wide>>("nlm4_testargs"),
    type<UnlockArgs<Wide>>("nlm4_unlockargs"),
    type<ShareArgs>("nlm4_shareargs"),
    type<ShareResponse<Wide>>("nlm4_shareres"),
    type<FreeAll::Args>("nlm4_notify"),
};

constexpr ProcedureLine procedures[] = {
    procedure<rpc::Null>("NLMPROC4_NULL"),
    procedure<Test<Wide>>("NLMPROC4_TEST"),
    procedure<Lock<Wide>>("NLMPROC4_LOCK"),
    procedure<Cancel<Wide>>("NLMPROC4_CANCEL"),
    procedure<Unlock<Wide>>("NLMPROC4_UNLOCK"),
    procedure<Granted<Wide>>("NLMPROC4_GRANTED"),
    procedure<TestMessage<Wide>>("NLMPROC4_TEST_MSG"),
    procedure<LockMessage<Wide>>("NLMPROC4_LOCK_MSG"),
    procedure<CancelMessage<Wide>>("NLMPROC4_CANCEL_MSG"),
    procedure<UnlockMessage<Wide>>("NLMPROC4_UNLOCK_MSG"),
    procedure<GrantedMessage<Wide>>("NLMPROC4_GRANTED_MSG"),
    procedure<TestResult<Wide>>("NLMPROC4_TEST_RES"),
    procedure<LockResult<Wide>>("NLMPROC4_LOCK_RES"),
    procedure<CancelResult<Wide>>("NLMPROC4_CANCEL_RES"),
    procedure<UnlockResult<Wide>>("NLMPROC4_UNLOCK_RES"),
    procedure<GrantedResult<Wide>>("NLMPROC4_GRANTED_RES"),
    procedure<TakeShare<Wide>>("NLMPROC4_SHARE"),
    procedure<Unshare<Wide>>("NLMPROC4_UNSHARE"),
    procedure<UnmonitoredLock<Wide>>("NLMPROC4_NM_LOCK"),
    procedure<FreeAll>("NLMPROC4_FREE_ALL"),
};

constexpr ConstantLine constants[] = {
    constant("LM_MAXSTRLEN", caller_name_bytes_max),
    constant("MAXNAMELEN", notified_name_bytes_max),
    constant("MAXNETOBJ_SZ", object_bytes_max),
    constant("NLM4_GRANTED", Status::granted),
    constant("NLM4_DENIED", Status::denied),
    constant("NLM4_DENIED_NOLOCKS", Status::denied_no_locks),
    constant("NLM4_BLOCKED", Status::blocked),
    constant("NLM4_DENIED_GRACE_PERIOD", Status::denied_grace_period),
    constant("NLM4_DEADLCK", Status::deadlock),
    constant("NLM4_ROFS", Status::read_only),
    constant("NLM4_STALE_FH", Status::stale_handle),
    constant("NLM4_FBIG", Status::too_big),
    constant("NLM4_FAILED", Status::failed),
    constant("fsm_DN", ShareMode::deny_none),
    constant("fsm_DR", ShareMode::deny_read),
    constant("fsm_DW", ShareMode::deny_write),
    constant("fsm_DRW", ShareMode::deny_both),
    constant("fsa_NONE", ShareAccess::none),
    constant("fsa_R", ShareAccess::read),
    constant("fsa_W", ShareAccess::write),
    constant("fsa_RW", ShareAccess::both),
};

}  // namespace

Specification nlm4() {
    return {"nlm4.x", types, procedures, constants, {}};
}

}  // namespace berth::spec
