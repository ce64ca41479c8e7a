// The types that NFS version 3 procedures share — RFC 1813 §2.5, §2.6, §3.3.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "rpc/call.hpp"
#include "xdr/types.hpp"

namespace berth::nfs {

using rpc::Length;
using rpc::Null;
using rpc::Replay;
using rpc::Runs;

inline constexpr rpc::ProgramId program{100003, 3, "NFS"};

/// `nfsstat3` — RFC 1813 §2.6.
enum class Status : std::uint32_t {
    ok = 0,
    not_owner = 1,
    no_entry = 2,
    io = 5,
    no_such_device = 6,
    access = 13,
    exists = 17,
    cross_device = 18,
    no_device = 19,
    not_directory = 20,
    is_directory = 21,
    invalid = 22,
    file_too_big = 27,
    no_space = 28,
    read_only = 30,
    too_many_links = 31,
    name_too_long = 63,
    not_empty = 66,
    quota = 69,
    stale = 70,
    remote = 71,
    bad_handle = 10001,
    not_sync = 10002,
    bad_cookie = 10003,
    not_supported = 10004,
    too_small = 10005,
    server_fault = 10006,
    bad_type = 10007,
    jukebox = 10008,
};

constexpr bool is_valid(Status status) {
    switch (status) {
    case Status::ok:
    case Status::not_owner:
    case Status::no_entry:
    case Status::io:
    case Status::no_such_device:
    case Status::access:
    case Status::exists:
    case Status::cross_device:
    case Status::no_device:
    case Status::not_directory:
    case Status::is_directory:
    case Status::invalid:
    case Status::file_too_big:
    case Status::no_space:
    case Status::read_only:
    case Status::too_many_links:
    case Status::name_too_long:
    case Status::not_empty:
    case Status::quota:
    case Status::stale:
    case Status::remote:
    case Status::bad_handle:
    case Status::not_sync:
    case Status::bad_cookie:
    case Status::not_supported:
    case Status::too_small:
    case Status::server_fault:
    case Status::bad_type:
    case Status::jukebox: return true;
    }
    return false;
}

/// The result of every procedure but NULL: `Ok` for NFS3_OK, `Fail` for any other status.
template <class Ok, class Fail>
class Result : public xdr::Union<Status, xdr::Case<Status::ok, Ok>, xdr::Otherwise<Fail>> {
    using Base = xdr::Union<Status, xdr::Case<Status::ok, Ok>, xdr::Otherwise<Fail>>;

public:
    Result() = default;
    Result(Ok ok) : Base(Base::template make<Status::ok>(std::move(ok))) {}
    Result(Status status, Fail fail) : Base(Base::otherwise(status, std::move(fail))) {}

    [[nodiscard]] Status status() const noexcept { return this->discriminant(); }
    /// Null unless the status is ok.
    [[nodiscard]] const Ok* ok() const noexcept { return this->template get_if<Status::ok>(); }
    /// Null if the status is ok.
    [[nodiscard]] const Fail* fail() const noexcept { return this->get_otherwise(); }
};

/// `nfs_fh3`. Opening refuses anything that is not a handle of this server.
using FileHandle = xdr::Opaque<64>;
/// `filename3` and `nfspath3` have no bound in the protocol. This one exceeds every name and path
/// that a file system takes, so that a long one gets NAMETOOLONG instead of a refused call.
inline constexpr std::uint32_t text_bytes_max = 65536;
using FileName = xdr::String<text_bytes_max>;
using Path = xdr::String<text_bytes_max>;

using Verifier = std::array<std::byte, 8>;

/// `ftype3`.
enum class FileType : std::uint32_t {
    regular = 1,
    directory = 2,
    block_device = 3,
    character_device = 4,
    symbolic_link = 5,
    socket = 6,
    fifo = 7,
};
constexpr bool is_valid(FileType type) {
    return type >= FileType::regular && type <= FileType::fifo;
}

/// `specdata3`.
struct DeviceNumber {
    std::uint32_t major = 0;
    std::uint32_t minor = 0;
};

/// `nfstime3`.
struct Time {
    std::uint32_t seconds = 0;
    std::uint32_t nanoseconds = 0;
};

/// `fattr3`.
struct Attributes {
    FileType type = FileType::regular;
    std::uint32_t mode = 0;
    std::uint32_t links = 0;
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::uint64_t size = 0;
    std::uint64_t used = 0;
    DeviceNumber device;
    std::uint64_t fsid = 0;
    std::uint64_t fileid = 0;
    Time accessed;
    Time modified;
    Time changed;
};

using PostOpAttributes = xdr::Optional<Attributes>;
using PostOpHandle = xdr::Optional<FileHandle>;

/// `wcc_attr`.
struct WccAttributes {
    std::uint64_t size = 0;
    Time modified;
    Time changed;
};

/// `wcc_data`: attributes from before and after a change, for weak cache consistency.
struct Wcc {
    xdr::Optional<WccAttributes> before;
    PostOpAttributes after;
};

/// `time_how`.
enum class TimeHow : std::uint32_t { leave = 0, server_time = 1, client_time = 2 };
constexpr bool is_valid(TimeHow how) {
    return how <= TimeHow::client_time;
}
using NewTime =
    xdr::Union<TimeHow, xdr::Case<TimeHow::leave, xdr::Void>,
               xdr::Case<TimeHow::server_time, xdr::Void>, xdr::Case<TimeHow::client_time, Time>>;

/// `sattr3`.
struct NewAttributes {
    xdr::Optional<std::uint32_t> mode;
    xdr::Optional<std::uint32_t> uid;
    xdr::Optional<std::uint32_t> gid;
    xdr::Optional<std::uint64_t> size;
    NewTime accessed;
    NewTime modified;
};

/// `diropargs3`: a name in a directory.
struct Entry {
    FileHandle directory;
    FileName name;
};

/// The result of CREATE, MKDIR, SYMLINK and MKNOD.
struct Created {
    PostOpHandle object;
    PostOpAttributes attributes;
    Wcc directory;
};
struct DirectoryFail {
    Wcc directory;
};

}  // namespace berth::nfs
