// nlm4.x, nlm3.x, nsm.x: RFC 1813 Appendix II and X/Open XNFS chapters 10 and 11.
#include <cstdint>

#include "nlm/nsm_protocol.hpp"
#include "nlm/protocol.hpp"
#include "tests/spec/tables.hpp"

namespace berth::spec {

namespace {

using namespace nlm;

constexpr TypeLine types4[] = {
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

constexpr ProcedureLine procedures4[] = {
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

constexpr ConstantLine constants4[] = {
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

constexpr TypeLine types3[] = {
    type<NetObject>("netobj"),
    type<NarrowStatus>("nlm_stats"),
    type<Holder<Narrow>>("nlm_holder"),
    type<LockArgument<Narrow>>("nlm_lock"),
    type<ShareArgument>("nlm_share"),
    type<ShareMode>("fsh_mode"),
    type<ShareAccess>("fsh_access"),
    type<NarrowStatus>("nlm_stat"),
    type<Response<Narrow>>("nlm_res"),
    type<TestReply<Narrow>>("nlm_testrply"),
    type<TestResponse<Narrow>>("nlm_testres"),
    type<LockArgs<Narrow>>("nlm_lockargs"),
    type<CancelArgs<Narrow>>("nlm_cancargs"),
    type<TestArgs<Narrow>>("nlm_testargs"),
    type<UnlockArgs<Narrow>>("nlm_unlockargs"),
    type<ShareArgs>("nlm_shareargs"),
    type<ShareResponse<Narrow>>("nlm_shareres"),
    type<FreeAll::Args>("nlm_notify"),
};

constexpr ProcedureLine procedures3[] = {
    procedure<rpc::Null>("NLM_NULL"),
    procedure<Test<Narrow>>("NLM_TEST"),
    procedure<Lock<Narrow>>("NLM_LOCK"),
    procedure<Cancel<Narrow>>("NLM_CANCEL"),
    procedure<Unlock<Narrow>>("NLM_UNLOCK"),
    procedure<Granted<Narrow>>("NLM_GRANTED"),
    procedure<TestMessage<Narrow>>("NLM_TEST_MSG"),
    procedure<LockMessage<Narrow>>("NLM_LOCK_MSG"),
    procedure<CancelMessage<Narrow>>("NLM_CANCEL_MSG"),
    procedure<UnlockMessage<Narrow>>("NLM_UNLOCK_MSG"),
    procedure<GrantedMessage<Narrow>>("NLM_GRANTED_MSG"),
    procedure<TestResult<Narrow>>("NLM_TEST_RES"),
    procedure<LockResult<Narrow>>("NLM_LOCK_RES"),
    procedure<CancelResult<Narrow>>("NLM_CANCEL_RES"),
    procedure<UnlockResult<Narrow>>("NLM_UNLOCK_RES"),
    procedure<GrantedResult<Narrow>>("NLM_GRANTED_RES"),
    procedure<TakeShare<Narrow>>("NLM_SHARE"),
    procedure<Unshare<Narrow>>("NLM_UNSHARE"),
    procedure<UnmonitoredLock<Narrow>>("NLM_NM_LOCK"),
    procedure<FreeAll>("NLM_FREE_ALL"),
};

constexpr ConstantLine constants3[] = {
    constant("LM_MAXSTRLEN", caller_name_bytes_max),
    constant("MAXNAMELEN", notified_name_bytes_max),
    constant("MAXNETOBJ_SZ", object_bytes_max),
    constant("LCK_GRANTED", NarrowStatus::granted),
    constant("LCK_DENIED", NarrowStatus::denied),
    constant("LCK_DENIED_NOLOCKS", NarrowStatus::denied_no_locks),
    constant("LCK_BLOCKED", NarrowStatus::blocked),
    constant("LCK_DENIED_GRACE_PERIOD", NarrowStatus::denied_grace_period),
    constant("LCK_DEADLCK", NarrowStatus::deadlock),
    constant("fsm_DN", ShareMode::deny_none),
    constant("fsm_DR", ShareMode::deny_read),
    constant("fsm_DW", ShareMode::deny_write),
    constant("fsm_DRW", ShareMode::deny_both),
    constant("fsa_NONE", ShareAccess::none),
    constant("fsa_R", ShareAccess::read),
    constant("fsa_W", ShareAccess::write),
    constant("fsa_RW", ShareAccess::both),
};

constexpr TypeLine types_nsm[] = {
    type<nsm::Name>("sm_name"),
    type<nsm::Outcome>("res"),
    type<nsm::StatusResult>("sm_stat_res"),
    type<nsm::State>("sm_stat"),
    type<nsm::Watcher>("my_id"),
    type<nsm::Watched>("mon_id"),
    type<nsm::Monitor::Args>("mon"),
    type<nsm::Notify::Args>("stat_chge"),
    type<nsm::HostStatus>("status"),
};

constexpr ProcedureLine procedures_nsm[] = {
    procedure<rpc::Null>("SM_NULL"),
    procedure<nsm::Stat>("SM_STAT"),
    procedure<nsm::Monitor>("SM_MON"),
    procedure<nsm::Unmonitor>("SM_UNMON"),
    procedure<nsm::UnmonitorAll>("SM_UNMON_ALL"),
    procedure<nsm::SimulateCrash>("SM_SIMU_CRASH"),
    procedure<nsm::Notify>("SM_NOTIFY"),
};

constexpr ConstantLine constants_nsm[] = {
    constant("SM_MAXSTRLEN", nsm::name_bytes_max),
    constant("STAT_SUCC", nsm::Outcome::success),
    constant("STAT_FAIL", nsm::Outcome::failure),
};

}  // namespace

Specification nlm4() {
    return {"nlm4.x", types4, procedures4, constants4, {}};
}

Specification nlm3() {
    return {"nlm3.x", types3, procedures3, constants3, {}};
}

Specification nsm() {
    return {"nsm.x", types_nsm, procedures_nsm, constants_nsm, {}};
}

}  // namespace berth::spec
