// The wire types of program 100005: MOUNT version 3 (RFC 1813 Appendix I); version 1 (RFC 1094
// Appendix A), which has a different MNT; and version 2, which no RFC defines: version 1 and
// PATHCONF.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "rpc/call.hpp"
#include "rpc/message.hpp"
#include "xdr/types.hpp"

namespace berth::mount {

inline constexpr rpc::ProgramId id1{100005, 1, "MOUNT"};
inline constexpr rpc::ProgramId id2{100005, 2, "MOUNT"};
inline constexpr rpc::ProgramId id3{100005, 3, "MOUNT"};

/// RFC 1813 §5.1.4.
inline constexpr std::uint32_t path_bytes_max = 1024;
inline constexpr std::uint32_t name_bytes_max = 255;
inline constexpr std::uint32_t handle_bytes_max = 64;

using DirectoryPath = xdr::String<path_bytes_max>;
using Name = xdr::String<name_bytes_max>;

/// The path that MNT asks for. Paths longer than the protocol allows are decoded too, so that they
/// get the protocol's own "name too long".
using AskedPath = xdr::String<>;

/// `mountstat3` — RFC 1813 §5.1.5.
enum class Status : std::uint32_t {
    ok = 0,
    not_permitted = 1,
    no_entry = 2,
    io_error = 5,
    access_denied = 13,
    not_a_directory = 20,
    invalid = 22,
    name_too_long = 63,
    not_supported = 10004,
    server_fault = 10006,
    later = 0xFFFFFFFF,  ///< never on the wire: the protocol has no such status
};
constexpr bool is_valid(Status status) {
    switch (status) {
    case Status::ok:
    case Status::not_permitted:
    case Status::no_entry:
    case Status::io_error:
    case Status::access_denied:
    case Status::not_a_directory:
    case Status::invalid:
    case Status::name_too_long:
    case Status::not_supported:
    case Status::server_fault: return true;
    case Status::later: break;
    }
    return false;
}

/// MOUNTPROC3_MNT — RFC 1813 §5.2.1.
struct Mount {
    static constexpr rpc::ProcedureId id{1, "MNT", rpc::Replay::execute, rpc::Runs::on_worker};
    using Args = AskedPath;
    struct Ok {
        xdr::Opaque<handle_bytes_max> handle;
        xdr::Array<rpc::AuthFlavor> flavors;  ///< preferred ones first
    };
    using Result = xdr::Union<Status, xdr::Case<Status::ok, Ok>, xdr::Otherwise<xdr::Void>>;
};

/// MOUNTPROC_MNT — RFC 1094 §A.5.2. The status is a UNIX error number; errors that version 3 has
/// too have equal numbers there.
struct Mount1 {
    static constexpr rpc::ProcedureId id{1, "MNT", rpc::Replay::execute, rpc::Runs::on_worker};
    using Args = AskedPath;
    using Handle = std::array<std::byte, 32>;
    using Result =
        xdr::Union<std::uint32_t, xdr::Case<std::uint32_t{0}, Handle>, xdr::Otherwise<xdr::Void>>;
};

/// `mountbody` — RFC 1813 §5.2.2.
struct Mounted {
    Name host;
    DirectoryPath directory;
};

/// MOUNTPROC3_DUMP — RFC 1813 §5.2.2, RFC 1094 §A.5.3.
struct Dump {
    static constexpr rpc::ProcedureId id{2, "DUMP", rpc::Replay::execute, rpc::Runs::on_worker,
                                         rpc::Length::any};
    using Args = xdr::Void;
    using Result = xdr::List<Mounted>;
};

/// MOUNTPROC3_UMNT — RFC 1813 §5.2.3, RFC 1094 §A.5.4.
struct Unmount {
    static constexpr rpc::ProcedureId id{3, "UMNT", rpc::Replay::execute, rpc::Runs::on_worker};
    using Args = DirectoryPath;
    using Result = xdr::Void;
};

/// MOUNTPROC3_UMNTALL — RFC 1813 §5.2.4, RFC 1094 §A.5.5.
struct UnmountAll {
    static constexpr rpc::ProcedureId id{4, "UMNTALL", rpc::Replay::execute, rpc::Runs::on_worker};
    using Args = xdr::Void;
    using Result = xdr::Void;
};

/// `exportnode` — RFC 1813 §5.2.5. No groups: exported to everyone.
struct Exported {
    DirectoryPath directory;
    xdr::List<Name> groups;
};

/// MOUNTPROC3_EXPORT — RFC 1813 §5.2.5, RFC 1094 §A.5.6.
struct Export {
    static constexpr rpc::ProcedureId id{5, "EXPORT", rpc::Replay::execute, rpc::Runs::on_worker,
                                         rpc::Length::any};
    using Args = xdr::Void;
    using Result = xdr::List<Exported>;
};

/// MOUNTPROC_EXPORTALL of versions 1 and 2, in no RFC: EXPORT under another number.
struct ExportAll {
    static constexpr rpc::ProcedureId id{6, "EXPORTALL", rpc::Replay::execute, rpc::Runs::on_worker,
                                         rpc::Length::any};
    using Args = xdr::Void;
    using Result = Export::Result;
};

/// MOUNTPROC_PATHCONF of version 2, in no RFC: the values of pathconf(2) for a directory. Shorts
/// and bytes take four bytes each on the wire.
struct PathConfiguration {
    static constexpr rpc::ProcedureId id{7, "PATHCONF", rpc::Replay::execute, rpc::Runs::on_worker};

    /// The largest `short`.
    static constexpr std::int32_t short_max = std::numeric_limits<std::int16_t>::max();

    /// The bits of mask[0]. There is no status: `failed` means that the whole answer is invalid,
    /// `no_...` that one value is.
    enum Bit : std::int32_t {
        failed = 1 << 0,
        no_links_max = 1 << 1,
        no_line_bytes_max = 1 << 2,
        no_input_bytes_max = 1 << 3,
        no_name_bytes_max = 1 << 4,
        no_path_bytes_max = 1 << 5,
        no_pipe_bytes = 1 << 6,
    };
    /// SunOS reads bit 7 as "restricts chown", 8 as "refuses long names" and 9 as "no disabling
    /// character"; Solaris reads 7 as "refuses long names", 8 as "no disabling character" and 9 as
    /// "restricts chown". All three together mean the same to both.
    static constexpr std::int32_t restricts_chown_and_refuses_long_names = 7 << 7;

    using Args = AskedPath;
    struct Result {
        std::int32_t links_max;
        std::int32_t line_bytes_max;   ///< of a terminal
        std::int32_t input_bytes_max;  ///< of a terminal
        std::int32_t name_bytes_max;
        std::int32_t path_bytes_max;
        std::int32_t pipe_bytes;            ///< the most that is written at once
        std::uint32_t disabling_character;  ///< of a terminal
        std::int32_t unused;
        std::array<std::int32_t, 2> mask;
    };
};

}  // namespace berth::mount
