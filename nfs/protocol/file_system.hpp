// The procedures of NFS version 3 that ask about the whole file system.
#pragma once

#include <cstdint>

#include "nfs/types.hpp"

namespace berth::nfs {

/// RFC 1813 §3.3.18
struct FileSystemStatus {
    static constexpr rpc::ProcedureId id{18, "FSSTAT", Replay::execute, Runs::on_worker};
    struct Args {
        FileHandle object;
    };
    struct Ok {
        PostOpAttributes attributes;
        std::uint64_t total_bytes = 0;
        std::uint64_t free_bytes = 0;
        std::uint64_t available_bytes = 0;
        std::uint64_t total_files = 0;
        std::uint64_t free_files = 0;
        std::uint64_t available_files = 0;
        std::uint32_t unchanged_seconds = 0;
    };
    struct Fail {
        PostOpAttributes attributes;
    };
    using Result = nfs::Result<Ok, Fail>;
};

/// RFC 1813 §3.3.19
struct FileSystemInfo {
    static constexpr rpc::ProcedureId id{19, "FSINFO", Replay::execute, Runs::or_defers};
    /// `FSF3_LINK`, `FSF3_SYMLINK`, `FSF3_HOMOGENEOUS`, `FSF3_CANSETTIME`.
    enum Properties : std::uint32_t {
        can_link = 0x01,
        can_symlink = 0x02,
        homogeneous = 0x08,
        can_set_time = 0x10,
    };
    struct Args {
        FileHandle object;
    };
    struct Ok {
        PostOpAttributes attributes;
        std::uint32_t read_max = 0;
        std::uint32_t read_preferred = 0;
        std::uint32_t read_multiple = 0;
        std::uint32_t write_max = 0;
        std::uint32_t write_preferred = 0;
        std::uint32_t write_multiple = 0;
        std::uint32_t directory_preferred = 0;
        std::uint64_t file_bytes_max = 0;
        Time time_granularity;
        std::uint32_t properties = 0;
    };
    struct Fail {
        PostOpAttributes attributes;
    };
    using Result = nfs::Result<Ok, Fail>;
};

/// RFC 1813 §3.3.20
struct PathConfiguration {
    static constexpr rpc::ProcedureId id{20, "PATHCONF", Replay::execute, Runs::or_defers};
    struct Args {
        FileHandle object;
    };
    struct Ok {
        PostOpAttributes attributes;
        std::uint32_t links_max = 0;
        std::uint32_t name_bytes_max = 0;
        bool refuses_long_names = true;
        bool restricts_chown = true;
        bool case_insensitive = false;
        bool case_preserving = true;
    };
    struct Fail {
        PostOpAttributes attributes;
    };
    using Result = nfs::Result<Ok, Fail>;
};

}  // namespace berth::nfs
