// The procedures of NFS version 3 that make, change, remove and list names.
#pragma once

#include <cstdint>

#include "nfs/types.hpp"

namespace berth::nfs {

/// `createmode3`.
enum class CreateMode : std::uint32_t { unchecked = 0, guarded = 1, exclusive = 2 };
constexpr bool is_valid(CreateMode mode) {
    return mode <= CreateMode::exclusive;
}

/// RFC 1813 §3.3.8
struct Create {
    static constexpr rpc::ProcedureId id{8, "CREATE", Replay::remember, Runs::guarded};
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
    static constexpr rpc::ProcedureId id{9, "MKDIR", Replay::remember, Runs::guarded};
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
    static constexpr rpc::ProcedureId id{10, "SYMLINK", Replay::remember, Runs::guarded};
    struct Args {
        Entry where;
        NewAttributes attributes;
        Path target;
    };
    using Ok = Created;
    using Fail = DirectoryFail;
    using Result = nfs::Result<Ok, Fail>;
};

/// RFC 1813 §3.3.11. Types that can't be made must still decode, so that they get BADTYPE.
struct MakeNode {
    static constexpr rpc::ProcedureId id{11, "MKNOD", Replay::remember, Runs::guarded};
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
    static constexpr rpc::ProcedureId id{12, "REMOVE", Replay::remember, Runs::guarded};
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
    static constexpr rpc::ProcedureId id{13, "RMDIR", Replay::remember, Runs::guarded};
    using Args = Remove::Args;
    using Ok = Remove::Ok;
    using Fail = DirectoryFail;
    using Result = nfs::Result<Ok, Fail>;
};

/// RFC 1813 §3.3.14
struct Rename {
    static constexpr rpc::ProcedureId id{14, "RENAME", Replay::remember, Runs::guarded};
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
    static constexpr rpc::ProcedureId id{15, "LINK", Replay::remember, Runs::guarded};
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
    static constexpr rpc::ProcedureId id{16, "READDIR", Replay::execute, Runs::on_worker,
                                         Length::transfer};
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
    static constexpr rpc::ProcedureId id{17, "READDIRPLUS", Replay::execute, Runs::on_worker,
                                         Length::transfer};
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

}  // namespace berth::nfs
