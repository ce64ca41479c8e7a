// The wire types of program 100024: the Network Status Monitor, version 1 (X/Open XNFS chapter 11).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "rpc/call.hpp"
#include "xdr/types.hpp"

namespace berth::nlm::nsm {

inline constexpr rpc::ProgramId id1{100024, 1, "NSM"};

/// SM_MAXSTRLEN.
inline constexpr std::uint32_t name_bytes_max = 1024;

using Name = xdr::String<name_bytes_max>;

/// `res`.
enum class Outcome : std::uint32_t { success = 0, failure = 1 };
constexpr bool is_valid(Outcome outcome) {
    return outcome <= Outcome::failure;
}

/// `sm_stat_res`. The state number is the server's own: odd when it is up.
struct StatusResult {
    Outcome outcome = Outcome::success;
    std::int32_t state = 0;
};
/// `sm_stat`.
struct State {
    std::int32_t state = 0;
};

/// `my_id`: the program to call, and how.
struct Watcher {
    Name name;
    std::int32_t program = 0;
    std::int32_t version = 0;
    std::int32_t procedure = 0;
};
/// `mon_id`.
struct Watched {
    Name host;
    Watcher watcher;
};

/// `status`: what a watcher is called with when a host that it watches has restarted.
struct HostStatus {
    Name host;
    std::int32_t state = 0;
    std::array<std::byte, 16> cookie{};
};

/// SM_STAT: whether that host could be monitored.
struct Stat {
    static constexpr rpc::ProcedureId id{1, "STAT"};
    using Args = Name;
    using Result = StatusResult;
};
struct Monitor {
    static constexpr rpc::ProcedureId id{2, "MON", rpc::Replay::execute, rpc::Runs::on_worker};
    struct Args {
        Watched watched;
        std::array<std::byte, 16> cookie{};
    };
    using Result = StatusResult;
};
struct Unmonitor {
    static constexpr rpc::ProcedureId id{3, "UNMON", rpc::Replay::execute, rpc::Runs::on_worker};
    using Args = Watched;
    using Result = State;
};
struct UnmonitorAll {
    static constexpr rpc::ProcedureId id{4, "UNMON_ALL", rpc::Replay::execute,
                                         rpc::Runs::on_worker};
    using Args = Watcher;
    using Result = State;
};
struct SimulateCrash {
    static constexpr rpc::ProcedureId id{5, "SIMU_CRASH", rpc::Replay::remember,
                                         rpc::Runs::on_worker};
    using Args = xdr::Void;
    using Result = xdr::Void;
};
/// `stat_chge`: the host has restarted, and now has this state number.
struct Notify {
    static constexpr rpc::ProcedureId id{6, "NOTIFY", rpc::Replay::execute, rpc::Runs::on_worker};
    struct Args {
        Name host;
        std::int32_t state = 0;
    };
    using Result = xdr::Void;
};

}  // namespace berth::nlm::nsm
