#include "nfs/vfs/posix/system/object_identity.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <fstream>
#include <string>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <xxhash.h>

#include "nfs/vfs/mounts.hpp"
#include "nfs/vfs/posix/system/calls.hpp"
#include "nfs/vfs/posix/system/thread_identity.hpp"

namespace berth::vfs::posix {
namespace {

// Newer than the C library: a handle for comparison that need not be openable.
constexpr int identifier_only = 0x200;

constexpr unsigned fuse_magic = 0x65735546;
constexpr unsigned overlay_magic = 0x794C7630;
constexpr unsigned btrfs_magic = 0x9123683E;

// Ids are written and read on one machine, but a restart may be on a rebuilt one: packed, without
// padding.
class IdWriter {
public:
    template <class Kind>
    explicit IdWriter(Kind kind) {
        put(kind);
    }

    template <class Value>
    void put(const Value& value) {
        put_bytes(std::as_bytes(std::span(&value, 1)));
    }
    void put_bytes(std::span<const std::byte> bytes) {
        assert(bytes.size() <= room());
        std::memcpy(bytes_.data() + size_, bytes.data(), bytes.size());
        size_ += bytes.size();
    }
    [[nodiscard]] std::size_t room() const { return bytes_.size() - size_; }
    [[nodiscard]] ObjectId id() const { return ObjectId{std::span(bytes_).first(size_)}; }

private:
    std::array<std::byte, ObjectId::bytes_max> bytes_{};
    std::size_t size_ = 0;
};

// The offsets of a kernel handle's parts in an id: kind, type, bytes.
constexpr std::size_t type_at = 1;
constexpr std::size_t handle_at = type_at + sizeof(std::uint8_t);

// The kernel's structure ends in an array of no declared size.
struct HandleSpace {
    alignas(file_handle) std::array<std::byte, sizeof(file_handle) + MAX_HANDLE_SZ> bytes{};

    file_handle& handle() { return *reinterpret_cast<file_handle*>(bytes.data()); }
    std::span<std::byte> contents() {
        return std::span(bytes).subspan(sizeof(file_handle), handle().handle_bytes);
    }
};

Result<int> mount_of_handle(int at, const char* name, int flags, HandleSpace& space) {
    int mount = 0;
    space.handle().handle_bytes = MAX_HANDLE_SZ;
    if (*name == '\0') flags |= AT_EMPTY_PATH;
    if (::name_to_handle_at(at, name, &space.handle(), &mount, flags) != 0) return last_error();
    return mount;
}

std::uint64_t hash_of(std::span<const std::byte> bytes) {
    const auto hash = XXH3_64bits(bytes.data(), bytes.size());
    return hash == 0 ? 1 : hash;  // 0 stands for "unknown"
}

template <class... Values>
std::uint64_t hash_of_values(const Values&... values) {
    const std::array<std::uint64_t, sizeof...(Values)> all{static_cast<std::uint64_t>(values)...};
    return hash_of(std::as_bytes(std::span{all}));
}

Witness witness_of(const struct statx& status) {
    Witness witness{.inode = hash_of_values(status.stx_ino, status.stx_mode & S_IFMT)};
    if ((status.stx_mask & STATX_BTIME) != 0)
        witness.birth = hash_of_values(status.stx_btime.tv_sec, status.stx_btime.tv_nsec);
    return witness;
}

bool shows(std::span<const std::byte> bytes, std::uint64_t inode) {
    // Every common handle contains the low half of the inode number as one of its words; which one
    // depends on the file system.
    const auto wanted = static_cast<std::uint32_t>(inode);
    for (std::size_t at = 0; at + sizeof wanted <= bytes.size(); at += sizeof wanted)
        if (std::memcmp(bytes.data() + at, &wanted, sizeof wanted) == 0) return true;
    return false;
}

// The handles of overlayfs contain the layer of the object and the handle of the object there.
namespace overlay_handle {
constexpr std::size_t flags_at = 6;
constexpr std::size_t inner_at = 24;
constexpr auto is_upper = std::byte{4};

bool is_of_upper(std::span<const std::byte> handle) {
    return handle.size() > inner_at && (handle[flags_at] & is_upper) != std::byte{};
}

/// Whether this may be one of several names that a lower layer has for one file. Writing through
/// one of them makes it a separate file, whose handle stays the same for a while.
bool may_be_split(std::span<const std::byte> handle, const struct statx& status) {
    if (handle.size() <= inner_at || is_of_upper(handle)) return false;
    if (S_ISDIR(status.stx_mode)) return false;
    return status.stx_nlink > 1 || !shows(handle.subspan(inner_at), status.stx_ino);
}
}  // namespace overlay_handle

// btrfs gives all empty directories that stand for subvolumes the same number, which no other
// object has (linux/btrfs_tree.h).
bool is_placeholder(std::span<const std::byte> handle) {
    constexpr std::uint64_t number_of_placeholders = 2;
    std::uint64_t number = 0;
    if (handle.size() < sizeof number) return false;
    std::memcpy(&number, handle.data(), sizeof number);
    return number == number_of_placeholders;
}

// Whether an overlay keeps hard links of lower layers together when they are written.
bool has_index(std::uint64_t mount) {
    for (const auto& one : read_mounts()) {
        if (one.id != mount) continue;
        if (one.options.find("index=on") != std::string::npos) return true;
        if (one.options.find("index=off") != std::string::npos) return false;
    }
    std::ifstream by_default{"/sys/module/overlay/parameters/index"};
    return by_default.get() == 'Y';
}

// A subvolume's own number, if statx(2) reports it (Linux 6.10); 0 otherwise.
std::uint64_t part_told(const struct statx& status) {
    if ((status.stx_mask & wants_subvolume) == 0) return 0;
    return subvolume_of(status);
}

// The same from a handle of btrfs, which contains object, subvolume and generation.
std::uint64_t part_in_handle(std::span<const std::byte> id) {
    constexpr std::size_t subvolume_at = handle_at + 8;
    constexpr std::array btrfs_types{std::byte{0x4d}, std::byte{0x4e}, std::byte{0x4f}};
    std::uint64_t part = 0;
    if (id.size() < subvolume_at + sizeof part) return 0;
    if (std::ranges::find(btrfs_types, id[type_at]) == btrfs_types.end()) return 0;
    std::memcpy(&part, id.data() + subvolume_at, sizeof part);
    return part;
}

}  // namespace

bool speaks_for_one(const Witness& then, const Witness& now) {
    if (then.handle != 0 && then.handle == now.handle) return true;
    const bool is_birth_other = then.birth != 0 && now.birth != 0 && then.birth != now.birth;
    return then.inode == now.inode && !is_birth_other;
}

Result<ObjectIdentity> ObjectIdentity::of_tree(int root, bool has_handles) {
    auto found = status(root);
    if (!found) return found.error();
    ObjectIdentity identity;
    identity.device_major_ = found->stx_dev_major;
    identity.device_minor_ = found->stx_dev_minor;
    identity.births_known_ = (found->stx_mask & STATX_BTIME) != 0;
    identity.mount_ids_ = (found->stx_mask & STATX_MNT_ID) != 0;
    identity.mount_ = found->stx_mnt_id;
    identity.counts_links_ = found->stx_nlink != 0;
    identity.decide(root, has_handles);
    identity.part_ = part_told(*found);
    if (identity.part_ == 0 && identity.kind_ == Kind::kernel_handle)
        if (const auto seen = identity.by_handle(root, ""))
            identity.part_ = part_in_handle(seen->mark.bytes());
    return identity;
}

void ObjectIdentity::decide(int root, bool has_handles) {
    struct statfs figures {};
    const bool known = ::fstatfs(root, &figures) == 0;
    const auto magic = known ? static_cast<unsigned>(figures.f_type) : 0U;
    is_overlay_ = magic == overlay_magic;
    has_parts_ = magic == btrfs_magic;
    is_in_user_space_ = magic == fuse_magic;
    may_have_handles_ = has_handles;
    // Copying a file up to the writable layer gives it a new birth time.
    births_stay_ = !is_overlay_;
    // The handles name what the file system's server has in memory at the moment.
    if (!is_in_user_space_ && has_handles) {
        for (const auto kind : {Kind::kernel_handle, Kind::kernel_identifier}) {
            HandleSpace space;
            const int flags = kind == Kind::kernel_identifier ? identifier_only : 0;
            auto mount = mount_of_handle(root, "", flags, space);
            if (!mount) continue;
            mount_ = static_cast<std::uint64_t>(*mount);
            kind_ = kind;
            if (by_handle(root, "")) break;
            kind_ = Kind::inode;
        }
    }
    splits_links_ = is_overlay_ && kind_ == Kind::kernel_identifier && !has_index(mount_);
    const bool is_number_enough = births_stay_ && births_known_ && !is_in_user_space_;
    is_always_certain_ = kind_ == Kind::inode ? is_number_enough : !splits_links_;
}

Result<ObjectId> ObjectIdentity::identify(int at, const char* name) const {
    auto seen = sight(at, name);
    if (!seen) return seen.error();
    return seen->mark;
}

Result<Sighting> ObjectIdentity::sight(int at, const char* name) const {
    return kind_ == Kind::inode ? by_inode(at, name) : by_handle(at, name);
}

Result<Sighting> ObjectIdentity::by_handle(int at, const char* name) const {
    HandleSpace space;
    const int flags = kind_ == Kind::kernel_identifier ? identifier_only : 0;
    auto mount = mount_of_handle(at, name, flags, space);
    if (!mount) return mount.error();
    if (static_cast<std::uint64_t>(*mount) != mount_) return std::errc::permission_denied;
    const auto contents = space.contents();
    // In a snapshot all placeholders for the subvolumes of the original are one object to btrfs.
    if (has_parts_ && is_placeholder(contents)) return std::errc::operation_not_supported;

    IdWriter writer{kind_};
    const auto type = static_cast<std::uint8_t>(space.handle().handle_type);
    writer.put(type);
    if (space.handle().handle_type != type) return std::errc::operation_not_supported;
    if (contents.size() <= writer.room()) {
        writer.put_bytes(contents);
    } else if (kind_ == Kind::kernel_identifier) {
        // The handle is only compared.
        writer.put(XXH3_128bits(contents.data(), contents.size()));
    } else {
        return std::errc::operation_not_supported;
    }
    if (!splits_links_) return Sighting{.mark = writer.id(), .witness = {}};

    auto found = status(at, name);
    if (!found) return found.error();
    if (!overlay_handle::may_be_split(contents, *found))
        return Sighting{.mark = writer.id(), .witness = {}};
    auto witness = witness_of(*found);
    witness.handle = hash_of(contents);
    witness.birth = 0;
    return Sighting{
        .mark = {}, .is_certain = false, .witness = witness, .mark_of_one_name = writer.id()};
}

Result<Sighting> ObjectIdentity::by_inode(int at, const char* name) const {
    auto found = status(at, name);
    if (!found) return found.error();
    if (!same_mount(*found)) return std::errc::permission_denied;
    if (is_always_certain_) {
        IdWriter writer{kind_};
        writer.put(found->stx_ino);
        writer.put(found->stx_btime.tv_sec);
        writer.put(found->stx_btime.tv_nsec);
        if (!is_on_root_device(*found)) {
            // Subvolumes get other device numbers each time that they are mounted.
            const auto part = part_told(*found);
            if (has_parts_ && part == 0) return std::errc::operation_not_supported;
            has_parts_ ? writer.put(part) : writer.put(found->stx_dev_minor);
        }
        return Sighting{.mark = writer.id(), .witness = {}};
    }
    auto witness = witness_of(*found);
    if (!births_stay_) witness.birth = 0;
    IdWriter writer{Kind::node};
    HandleSpace space;
    bool is_only_number = false;
    if (is_in_user_space_ && may_have_handles_ && mount_of_handle(at, name, 0, space) &&
        space.contents().size() <= writer.room()) {
        writer.put_bytes(space.contents());
    } else {
        is_only_number = true;
        writer.put(found->stx_ino);
        writer.put(found->stx_dev_major);
        writer.put(found->stx_dev_minor);
        if (is_overlay_ && !S_ISDIR(found->stx_mode) && found->stx_nlink > 1)
            return Sighting{.mark = {},
                            .is_certain = false,
                            .witness = witness,
                            .mark_of_one_name = writer.id()};
    }
    return Sighting{.mark = writer.id(),
                    .is_certain = false,
                    .is_only_number = is_only_number,
                    .witness = witness};
}

std::uint64_t ObjectIdentity::other_part(const ObjectId& id, const struct statx& status) const {
    auto part = part_told(status);
    if (part == 0 && !is_on_root_device(status) && kind_ == Kind::kernel_handle)
        part = part_in_handle(id.bytes());
    return part == part_ ? 0 : part;
}

bool ObjectIdentity::counts_links_of(int object, const struct statx& status) const {
    if (!is_overlay_ || S_ISDIR(status.stx_mode)) return false;
    HandleSpace space;
    const int flags = kind_ == Kind::kernel_identifier ? identifier_only : 0;
    if (kind_ == Kind::inode || !mount_of_handle(object, "", flags, space)) return false;
    return overlay_handle::is_of_upper(space.contents());
}

Way ObjectIdentity::way_through(const ObjectId& directory, const ObjectId& object) {
    const auto of_directory = directory.bytes();
    const auto of_object = object.bytes();
    const bool fits = of_directory.size() > handle_at && of_object.size() > handle_at &&
                      of_object.size() + of_directory.size() - handle_at <= Way::bytes_max;
    if (!fits || !std::ranges::equal(of_directory.first(handle_at), of_object.first(handle_at)))
        return {};
    return Way{of_directory.subspan(handle_at)};
}

ObjectId ObjectIdentity::directory_on(const Way& way, const ObjectId& object) {
    if (way.bytes().empty() || object.bytes().size() <= handle_at) return {};
    std::array<std::byte, handle_at + Way::bytes_max> bytes;
    const auto end = std::ranges::copy(object.bytes().first(handle_at), bytes.begin()).out;
    const auto size = handle_at + way.bytes().size();
    if (size > ObjectId::bytes_max) return {};
    std::ranges::copy(way.bytes(), end);
    return ObjectId{std::span{bytes}.first(size)};
}

bool ObjectIdentity::is_id(const ObjectId& id) const {
    const auto bytes = id.bytes();
    return bytes.size() > handle_at && bytes.front() == static_cast<std::byte>(kind_);
}

bool ObjectIdentity::shows_inode(const ObjectId& id, std::uint64_t inode) {
    const auto bytes = id.bytes();
    const std::size_t first =
        bytes.empty() || bytes.front() == static_cast<std::byte>(Kind::inode) ? type_at : handle_at;
    return first < bytes.size() && shows(bytes.subspan(first), inode);
}

Result<int> open_kernel_handle(int mount, const ObjectId& id, int flags) {
    const auto bytes = id.bytes();
    if (bytes.size() <= handle_at ||
        bytes.front() != static_cast<std::byte>(ObjectIdentity::Kind::kernel_handle)) {
        return std::errc::invalid_argument;
    }
    HandleSpace space;
    space.handle().handle_type = std::to_integer<int>(bytes[type_at]);
    space.handle().handle_bytes = static_cast<unsigned>(bytes.size() - handle_at);
    std::ranges::copy(bytes.subspan(handle_at), space.contents().begin());
    drop_kept_identity();
    const int opened = ::open_by_handle_at(mount, &space.handle(), flags | O_CLOEXEC);
    if (opened < 0) return last_error();
    return opened;
}

}  // namespace berth::vfs::posix
