// The 22 procedures of NFS version 3 — RFC 1813 §3.3: one struct each, arguments and results in the
// RFC's order, and the policy of its calls.
#pragma once

#include <cstdint>

#include "nfs/types.hpp"

namespace berth::nfs {

using rpc::Null;
using rpc::Replay;
using rpc::Runs;

/// RFC 1813 §3.3.1
struct GetAttributes {
    static constexpr rpc::ProcedureId id{1, "GETATTR", Replay::execute, Runs::or_defers};
    struct Args {
        FileHandle object;
    };
    struct Ok {
        Attributes attributes;
    };
    using Fail = xdr::Void;
    using Result = nfs::Result<Ok, Fail>;
};

/// RFC 1813 §3.3.2
struct SetAttributes {
    static constexpr rpc::ProcedureId id{2, "SETATTR", Replay::remember, Runs::on_worker};
    struct Args {
        FileHandle object;
        NewAttributes attributes;
        xdr::Optional<Time> guard;  ///< `sattrguard3`: do it only if ctime is this
    };
    struct Ok {
        Wcc object;
    };
    struct Fail {
        Wcc object;
    };
    using Result = nfs::Result<Ok, Fail>;
};

/// RFC 1813 §3.3.3
struct Lookup {
    static constexpr rpc::ProcedureId id{3, "LOOKUP", Replay::execute, Runs::or_defers};
    struct Args {
        Entry what;
    };
    struct Ok {
        FileHandle object;
        PostOpAttributes attributes;
        PostOpAttributes directory;
    };
    struct Fail {
        PostOpAttributes directory;
    };
    using Result = nfs::Result<Ok, Fail>;
};

/// The rights that ACCESS speaks of.
enum AccessBits : std::uint32_t {
    access_read = 0x01,
    access_lookup = 0x02,
    access_modify = 0x04,
    access_extend = 0x08,
    access_delete = 0x10,
    access_execute = 0x20,
};

/// RFC 1813 §3.3.4
struct Access {
    static constexpr rpc::ProcedureId id{4, "ACCESS", Replay::execute, Runs::or_defers};
    struct Args {
        FileHandle object;
        std::uint32_t access = 0;
    };
    struct Ok {
        PostOpAttributes attributes;
        std::uint32_t access = 0;
    };
    struct Fail {
        PostOpAttributes attributes;
    };
    using Result = nfs::Result<Ok, Fail>;
};

/// RFC 1813 §3.3.5
struct ReadLink {
    static constexpr rpc::ProcedureId id{5, "READLINK", Replay::execute, Runs::or_defers};
    struct Args {
        FileHandle link;
    };
    struct Ok {
        PostOpAttributes attributes;
        Path target;
    };
    struct Fail {
        PostOpAttributes attributes;
    };
    using Result = nfs::Result<Ok, Fail>;
};

/// RFC 1813 §3.3.6
struct Read {
    static constexpr rpc::ProcedureId id{6, "READ", Replay::execute, Runs::or_defers};
    struct Args {
        FileHandle file;
        std::uint64_t offset = 0;
        std::uint32_t count = 0;
    };
    struct Ok {
        PostOpAttributes attributes;
        std::uint32_t count = 0;
        bool eof = false;
        xdr::Opaque<> data;
    };
    struct Fail {
        PostOpAttributes attributes;
    };
    using Result = nfs::Result<Ok, Fail>;
};

/// `stable_how`.
enum class Stable : std::uint32_t { unstable = 0, data_sync = 1, file_sync = 2 };
constexpr bool is_valid(Stable stable) {
    return stable <= Stable::file_sync;
}

/// RFC 1813 §3.3.7. Remembered although it could run twice: a late duplicate would overwrite newer
/// data.
struct Write {
    static constexpr rpc::ProcedureId id{7, "WRITE", Replay::remember, Runs::on_worker};
    struct Args {
        FileHandle file;
        std::uint64_t offset = 0;
        std::uint32_t count = 0;
        Stable stable = Stable::unstable;
        xdr::Opaque<> data;
    };
    struct Ok {
        Wcc file;
        std::uint32_t count = 0;
        Stable committed = Stable::unstable;
        Verifier verifier{};
    };
    struct Fail {
        Wcc file;
    };
    using Result = nfs::Result<Ok, Fail>;
};

/// `createmode3`.
enum class CreateMode : std::uint32_t { unchecked = 0, guarded = 1, exclusive = 2 };
constexpr bool is_valid(CreateMode mode) {
    return mode <= CreateMode::exclusive;
}

/// RFC 1813 §3.3.8
struct Create {
    static constexpr rpc::ProcedureId id{8, "CREATE", Replay::remember, Runs::on_worker};
    using How = xdr::Union<CreateMode, xdr::Case<CreateMode::unchecked, NewAttributes>,
                           xdr::Case<CreateMode::guarded, NewAttributes>,
                           xdr::Case<CreateMode::exclusive, Verifier>>;
    struct Args {
        Entry where;
        How how;
    };
    using Ok = Created;
    using Fail = DirectoryFail;
    using Result = nfs::Result<Ok, Fail>;
};

/// RFC 1813 §3.3.9
struct MakeDirectory {
    static constexpr rpc::ProcedureId id{9, "MKDIR", Replay::remember, Runs::on_worker};
    struct Args {
        Entry where;
        NewAttributes attributes;
    };
    using Ok = Created;
    using Fail = DirectoryFail;
    using Result = nfs::Result<Ok, Fail>;
};

/// RFC 1813 §3.3.10
struct MakeSymbolicLink {
    static constexpr rpc::ProcedureId id{10, "SYMLINK", Replay::remember, Runs::on_worker};
    struct Args {
        Entry where;
        NewAttributes attributes;
        Path target;
    };
    using Ok = Created;
    using Fail = DirectoryFail;
    using Result = nfs::Result<Ok, Fail>;
};

/// RFC 1813 §3.3.11. A type that can't be made must decode, so that it can be answered with
/// BADTYPE.
struct MakeNode {
    static constexpr rpc::ProcedureId id{11, "MKNOD", Replay::remember, Runs::on_worker};
    struct Device {
        NewAttributes attributes;
        DeviceNumber number;
    };
    using What = xdr::Union<FileType, xdr::Case<FileType::character_device, Device>,
                            xdr::Case<FileType::block_device, Device>,
                            xdr::Case<FileType::socket, NewAttributes>,
                            xdr::Case<FileType::fifo, NewAttributes>, xdr::Otherwise<xdr::Void>>;
    struct Args {
        Entry where;
        What what;
    };
    using Ok = Created;
    using Fail = DirectoryFail;
    using Result = nfs::Result<Ok, Fail>;
};

/// RFC 1813 §3.3.12
struct Remove {
    static constexpr rpc::ProcedureId id{12, "REMOVE", Replay::remember, Runs::on_worker};
    struct Args {
        Entry object;
    };
    struct Ok {
        Wcc directory;
    };
    using Fail = DirectoryFail;
    using Result = nfs::Result<Ok, Fail>;
};

/// RFC 1813 §3.3.13
struct RemoveDirectory {
    static constexpr rpc::ProcedureId id{13, "RMDIR", Replay::remember, Runs::on_worker};
    using Args = Remove::Args;
    using Ok = Remove::Ok;
    using Fail = DirectoryFail;
    using Result = nfs::Result<Ok, Fail>;
};

/// RFC 1813 §3.3.14
struct Rename {
    static constexpr rpc::ProcedureId id{14, "RENAME", Replay::remember, Runs::on_worker};
    struct Args {
        Entry from;
        Entry to;
    };
    struct Ok {
        Wcc from_directory;
        Wcc to_directory;
    };
    struct Fail {
        Wcc from_directory;
        Wcc to_directory;
    };
    using Result = nfs::Result<Ok, Fail>;
};

/// RFC 1813 §3.3.15
struct Link {
    static constexpr rpc::ProcedureId id{15, "LINK", Replay::remember, Runs::on_worker};
    struct Args {
        FileHandle file;
        Entry link;
    };
    struct Ok {
        PostOpAttributes file;
        Wcc directory;
    };
    struct Fail {
        PostOpAttributes file;
        Wcc directory;
    };
    using Result = nfs::Result<Ok, Fail>;
};

/// RFC 1813 §3.3.16
struct ReadDirectory {
    static constexpr rpc::ProcedureId id{16, "READDIR", Replay::execute, Runs::on_worker};
    struct Args {
        FileHandle directory;
        std::uint64_t cookie = 0;
        Verifier verifier{};
        std::uint32_t count = 0;
    };
    struct Item {
        std::uint64_t fileid = 0;
        FileName name;
        std::uint64_t cookie = 0;
    };
    struct Ok {
        PostOpAttributes attributes;
        Verifier verifier{};
        xdr::List<Item> entries;
        bool eof = false;
    };
    struct Fail {
        PostOpAttributes attributes;
    };
    using Result = nfs::Result<Ok, Fail>;
};

/// RFC 1813 §3.3.17
struct ReadDirectoryPlus {
    static constexpr rpc::ProcedureId id{17, "READDIRPLUS", Replay::execute, Runs::on_worker};
    struct Args {
        FileHandle directory;
        std::uint64_t cookie = 0;
        Verifier verifier{};
        std::uint32_t directory_count = 0;
        std::uint32_t count_max = 0;
    };
    struct Item {
        std::uint64_t fileid = 0;
        FileName name;
        std::uint64_t cookie = 0;
        PostOpAttributes attributes;
        PostOpHandle object;
    };
    struct Ok {
        PostOpAttributes attributes;
        Verifier verifier{};
        xdr::List<Item> entries;
        bool eof = false;
    };
    struct Fail {
        PostOpAttributes attributes;
    };
    using Result = nfs::Result<Ok, Fail>;
};

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

/// RFC 1813 §3.3.21
struct Commit {
    static constexpr rpc::ProcedureId id{21, "COMMIT", Replay::execute, Runs::on_worker};
    struct Args {
        FileHandle file;
        std::uint64_t offset = 0;
        std::uint32_t count = 0;
    };
    struct Ok {
        Wcc file;
        Verifier verifier{};
    };
    struct Fail {
        Wcc file;
    };
    using Result = nfs::Result<Ok, Fail>;
};

}  // namespace berth::nfs
