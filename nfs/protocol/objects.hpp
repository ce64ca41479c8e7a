// The procedures of NFS version 3 on one object: its attributes, its contents, and lookups in it.
#pragma once

#include <cstdint>

#include "nfs/types.hpp"

namespace berth::nfs {

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
    static constexpr rpc::ProcedureId id{2, "SETATTR", Replay::remember, Runs::guarded};
    struct Args {
        FileHandle object;
        NewAttributes attributes;
        xdr::Optional<Time> guard;  ///< `sattrguard3`: set them only if this is the ctime
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

/// The rights that ACCESS can ask for.
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

/// RFC 1813 §3.3.7. Remembered, although it can run twice: a late duplicate would overwrite newer
/// data.
struct Write {
    static constexpr rpc::ProcedureId id{7, "WRITE", Replay::remember, Runs::guarded};
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
