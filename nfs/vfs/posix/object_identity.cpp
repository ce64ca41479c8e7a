#include "nfs/vfs/posix/object_identity.hpp"

#include <algorithm>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "nfs/vfs/posix/system.hpp"

namespace berth::vfs::posix {
namespace {

// Newer than the C library: a handle to compare, which need not be one to open.
constexpr int identifier_only = 0x200;

constexpr unsigned fuse_magic = 0x65735546;
constexpr unsigned overlay_magic = 0x794C7630;

// An id is written and read on one machine, but a restart may be on a rebuilt one: packed, no
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
        std::ranges::copy(bytes, bytes_.begin() + static_cast<std::ptrdiff_t>(size_));
        size_ += bytes.size();
    }
    [[nodiscard]] std::size_t room() const { return bytes_.size() - size_; }
    [[nodiscard]] ObjectId id() const { return ObjectId{std::span(bytes_).first(size_)}; }

private:
    std::array<std::byte, ObjectId::bytes_max> bytes_{};
    std::size_t size_ = 0;
};

// Where a kernel handle's parts are in an id: kind, type, bytes.
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

}  // namespace

Result<ObjectIdentity> ObjectIdentity::of_tree(int root) {
    auto found = status(root);
    if (!found) return found.error();
    ObjectIdentity identity;
    identity.device_major_ = found->stx_dev_major;
    identity.device_minor_ = found->stx_dev_minor;
    identity.births_known_ = (found->stx_mask & STATX_BTIME) != 0;
    identity.mount_ids_ = (found->stx_mask & STATX_MNT_ID) != 0;
    identity.mount_ = found->stx_mnt_id;

    identity.kind_ = identity.best_kind(root);
    return identity;
}

ObjectIdentity::Kind ObjectIdentity::best_kind(int root) {
    struct statfs figures {};
    const bool known = ::fstatfs(root, &figures) == 0;
    const auto magic = known ? static_cast<unsigned>(figures.f_type) : 0U;
    // Copying a file up to the writable layer gives it a new time of birth.
    births_stay_ = magic != overlay_magic;
    // The handles name what the server of the file system has in memory at the moment.
    if (magic == fuse_magic) return Kind::inode;

    for (const auto kind : {Kind::kernel_handle, Kind::kernel_identifier}) {
        HandleSpace space;
        const int flags = kind == Kind::kernel_identifier ? identifier_only : 0;
        auto mount = mount_of_handle(root, "", flags, space);
        if (!mount) continue;
        mount_ = static_cast<std::uint64_t>(*mount);
        kind_ = kind;
        if (by_handle(root, "")) return kind;
    }
    return Kind::inode;
}

Result<ObjectId> ObjectIdentity::identify(int at, const char* name) const {
    return kind_ == Kind::inode ? by_inode(at, name) : by_handle(at, name);
}

Result<ObjectId> ObjectIdentity::by_handle(int at, const char* name) const {
    HandleSpace space;
    const int flags = kind_ == Kind::kernel_identifier ? identifier_only : 0;
    auto mount = mount_of_handle(at, name, flags, space);
    if (!mount) return mount.error();
    if (static_cast<std::uint64_t>(*mount) != mount_) return std::errc::permission_denied;

    IdWriter writer{kind_};
    const auto type = static_cast<std::uint8_t>(space.handle().handle_type);
    writer.put(type);
    if (space.handle().handle_type != type || space.contents().size() > writer.room()) {
        return std::errc::operation_not_supported;
    }
    writer.put_bytes(space.contents());
    return writer.id();
}

Result<ObjectId> ObjectIdentity::by_inode(int at, const char* name) const {
    auto found = status(at, name);
    if (!found) return found.error();
    if (!same_mount(*found)) return std::errc::permission_denied;
    IdWriter writer{kind_};
    writer.put(found->stx_ino);
    if (births_stay_ && (found->stx_mask & STATX_BTIME) != 0) {
        writer.put(found->stx_btime.tv_sec);
        writer.put(found->stx_btime.tv_nsec);
    }
    return writer.id();
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

bool ObjectIdentity::same_mount(const struct statx& status) const noexcept {
    if (mount_ids_) return status.stx_mnt_id == mount_;
    return status.stx_dev_major == device_major_ && status.stx_dev_minor == device_minor_;
}

bool ObjectIdentity::shows_inode(const ObjectId& id, std::uint64_t inode) {
    // Every common handle holds the low half of the inode number as one of its words, but file
    // systems differ in which.
    const auto bytes = id.bytes();
    const auto wanted = static_cast<std::uint32_t>(inode);
    const std::size_t first =
        bytes.empty() || bytes.front() == static_cast<std::byte>(Kind::inode) ? type_at : handle_at;
    for (std::size_t at = first; at + sizeof wanted <= bytes.size(); at += sizeof wanted) {
        if (std::memcmp(bytes.data() + at, &wanted, sizeof wanted) == 0) return true;
    }
    return false;
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
    const int opened = ::open_by_handle_at(mount, &space.handle(), flags | O_CLOEXEC);
    if (opened < 0) return last_error();
    return opened;
}

}  // namespace berth::vfs::posix
