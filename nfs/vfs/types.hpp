// The vocabulary of exported trees: callers, objects, and the attributes that may be set. Plain
// values; knows no RPC and no XDR.
#pragma once

#include <algorithm>
#include <array>
#include <cassert>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>

#include <sys/types.h>

namespace berth::vfs {

/// The identity that the file system grants a caller: after squashing, as local ids. `groups` are
/// the supplementary groups; they live as long as the call.
struct Identity {
    uid_t uid = 0;
    gid_t gid = 0;
    std::span<const gid_t> groups;
};

/// What a caller may wait for.
enum class Patience : std::uint8_t {
    none,   ///< nothing: an operation that would have to fails with would_block
    brief,  ///< what takes long only when something is wrong: every operation on files, but not
            ///< until something is on disk, and no answer of another machine
    ample,  ///< anything
};

/// On whose behalf an operation runs, and how long it may take. One per call.
struct Caller {
    Identity identity;
    Patience patience = Patience::ample;
};

enum class FileType : std::uint8_t {
    regular,
    directory,
    block_device,
    character_device,
    symbolic_link,
    socket,
    fifo,
};

/// Seconds since 1970 (may be negative) and nanoseconds 0..999,999,999.
struct Time {
    std::int64_t seconds = 0;
    std::uint32_t nanoseconds = 0;
    // clang-tidy takes the 0 in rewritten comparisons for a pointer.
    auto operator<=>(const Time&) const = default;  // NOLINT(modernize-use-nullptr)
};

struct DeviceNumber {
    std::uint32_t major = 0;
    std::uint32_t minor = 0;
    bool operator==(const DeviceNumber&) const = default;
};

struct Attributes {
    FileType type = FileType::regular;
    std::uint32_t mode = 0;  ///< permission bits only, at most 07777
    std::uint32_t links = 0;
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::uint64_t size = 0;  ///< bytes
    std::uint64_t used = 0;  ///< bytes on disk
    DeviceNumber device;     ///< zero unless a device
    std::uint64_t fileid = 0;
    /// The part of the tree's file system that the object is in: 0 for the root's. Objects in
    /// different parts may have equal fileids. The same after a restart.
    std::uint64_t part = 0;
    Time accessed;
    Time modified;
    Time changed;
    bool immutable = false;    ///< nobody can change anything about it
    bool append_only = false;  ///< its contents can only grow
    bool operator==(const Attributes&) const = default;
};

/// A time to set: the server's clock, or the value given.
struct NewTime {
    std::optional<Time> value;  ///< empty: the server's clock
};

/// The attributes that SETATTR and the creating operations may set; empty means leave unchanged.
/// When creating: without a mode it is 0600, or 0700 for a directory. A uid or gid that the caller
/// may not set is left out without an error (some clients send a group with every new file). A size
/// applies only to a regular file. Below a set-group-id directory a new directory is one too.
struct NewAttributes {
    std::optional<std::uint32_t> mode;
    std::optional<std::uint32_t> uid;
    std::optional<std::uint32_t> gid;
    std::optional<std::uint64_t> size;
    std::optional<NewTime> accessed;
    std::optional<NewTime> modified;
};

/// Permission bits to ask for or to grant, as a set; values as in access(2).
enum Permission : std::uint8_t { may_execute = 1, may_write = 2, may_read = 4 };

enum class CreateMode : std::uint8_t {
    unchecked,  ///< any existing object is taken as it is, like knfsd; only `size` is applied, to a
                ///< regular file
    guarded,    ///< an existing name is an error
    exclusive,  ///< success if this caller made the file with the same verifier, until its contents
                ///< or times change
};

using CreateVerifier = std::array<std::byte, 8>;

struct NewFile {
    CreateMode mode = CreateMode::unchecked;
    NewAttributes attributes;   ///< ignored when exclusive
    CreateVerifier verifier{};  ///< used only when exclusive
};

/// A FIFO, a socket, or a device with its number.
struct SpecialFile {
    FileType type = FileType::fifo;
    DeviceNumber device;
    NewAttributes attributes;
};

/// One directory entry during a listing. The name is valid only during the visit.
struct DirectoryEntry {
    std::uint64_t fileid = 0;
    std::string_view name;
    std::uint64_t cookie = 0;  ///< the position after this entry; never 0, at most 2^63-1
};

/// Figures like those of FSSTAT, in bytes and in files; `available` is what this caller may use.
struct Space {
    std::uint64_t total_bytes = 0;
    std::uint64_t free_bytes = 0;
    std::uint64_t available_bytes = 0;
    std::uint64_t total_files = 0;
    std::uint64_t free_files = 0;
    std::uint64_t available_files = 0;
};

/// The limits and properties of a file system; constant while it is exported.
struct Limits {
    std::uint32_t name_bytes_max = 255;
    std::uint32_t links_max = 32000;
    std::uint64_t file_bytes_max = (std::uint64_t{1} << 63) - 1;
    Time time_granularity{0, 1};
    bool case_insensitive = false;
    bool case_preserving = true;
};

/// A few bytes by value, opaque to all but the file system that made them. `For` says what they
/// are, so that one kind is never taken for another.
template <class For>
class ShortBytes {
public:
    static constexpr std::size_t bytes_max = 42;

    ShortBytes() = default;
    /// Needs bytes.size() <= bytes_max.
    explicit ShortBytes(std::span<const std::byte> bytes) {
        assert(bytes.size() <= bytes_max);
        // Without a branch; no bytes may have no address.
        std::memcpy(words_.data(), bytes.empty() ? &words_ : static_cast<const void*>(bytes.data()),
                    bytes.size());
        std::as_writable_bytes(std::span{words_}).back() = static_cast<std::byte>(bytes.size());
    }

    [[nodiscard]] std::span<const std::byte> bytes() const noexcept {
        const auto all = std::as_bytes(std::span{words_});
        return all.first(std::to_integer<std::size_t>(all.back()));
    }

    friend bool operator==(const ShortBytes& a, const ShortBytes& b) noexcept {
        std::uint64_t difference = 0;
        for (std::size_t at = 0; at < a.words_.size(); ++at)
            difference |= a.words_[at] ^ b.words_[at];
        return difference == 0;
    }

private:
    // The bytes, zeroes, and the length in the last byte: made and compared in a few instructions.
    std::array<std::uint64_t, 6> words_{};
    static_assert(sizeof words_ > bytes_max);
};

/// Names an object inside one file system, across restarts if the file system can do that: the
/// kernel's file handle, an inode number with its generation, or whatever the implementation chose.
using ObjectId = ShortBytes<struct ForObject>;

/// Helps, besides the id, to find an object again: something about how it was reached. It does not
/// identify objects: one object may have several. Often empty. An id and a way of one object have
/// at most ObjectId::bytes_max together.
using Way = ShortBytes<struct ForWay>;

}  // namespace berth::vfs
