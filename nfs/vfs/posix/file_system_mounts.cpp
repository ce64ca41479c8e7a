// How a tree lies among mounted file systems.
#include <algorithm>
#include <array>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <linux/ioctl.h>
#include <sys/ioctl.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "nfs/vfs/posix.hpp"
#include "nfs/vfs/posix/node/open_files.hpp"
#include "nfs/vfs/posix/system/calls.hpp"
#include "nfs/vfs/posix/tree.hpp"

namespace berth::vfs::posix {
namespace {

// Newer than the C library's headers.
struct Uuid {
    std::uint8_t length = 0;
    std::array<std::byte, 16> bytes{};
};
constexpr unsigned long get_uuid = _IOR(0x15, 0, Uuid);

std::string hex(std::span<const std::byte> bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (const auto byte : bytes) {
        text += digits[std::to_integer<unsigned>(byte >> 4)];
        text += digits[std::to_integer<unsigned>(byte & std::byte{15})];
    }
    return text;
}

bool is_all_zero(std::span<const std::byte> bytes) {
    return std::ranges::all_of(bytes, [](std::byte byte) { return byte == std::byte{}; });
}

std::string name_of_file_system(int root) {
    Uuid uuid;
    if (::ioctl(root, get_uuid, &uuid) == 0 && uuid.length > 0) return "uuid=" + hex(uuid.bytes);
    struct statfs figures {};
    if (::fstatfs(root, &figures) != 0) return {};
    const auto id = std::as_bytes(std::span{&figures.f_fsid, 1});
    return is_all_zero(id) ? std::string{} : "fsid=" + hex(id);
}

}  // namespace

Result<MountPlace> FileSystem::mount_place() const {
    const auto found = status(tree_->root());
    if (!found) return found.error();
    if ((found->stx_mask & STATX_MNT_ID) == 0) return std::errc::function_not_supported;
    std::string path(PATH_MAX, '\0');
    const auto size = read_own_link(tree_->root(), path);
    if (size < 0) return last_error();
    path.resize(static_cast<std::size_t>(size));
    return MountPlace{.mount = found->stx_mnt_id,
                      .is_root = (found->stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0,
                      .path = std::move(path),
                      .root = tree_->root()};
}

Result<ObjectId> FileSystem::place_of(const MountPlace& inner) const {
    const auto acting = tree_->act_as_server();
    if (!acting) return acting.error();
    const auto above = tree_->parent_of(inner.root, {});
    if (!above) return above.error();
    return (*above)->id();
}

std::string FileSystem::fingerprint() const {
    const auto name = name_of_file_system(tree_->root());
    return name.empty() ? name : name + "/" + hex(tree_->root_id().bytes());
}

bool FileSystem::has_kernel_handles() const {
    return tree_->has_kernel_handles();
}

boost::system::result<std::shared_ptr<vfs::FileSystem>, OpenError>
FileSystem::open_mounted(const std::string& point) const {
    // There may be many of them; together they must leave descriptors for others.
    constexpr std::size_t nodes_max = 2048;
    auto opened = open(point, {.nodes_max = std::min(nodes_max, tree_->open_files()->nodes_max()),
                               .open_files = tree_->open_files(),
                               .volumes = tree_->volumes(),
                               .withheld = tree_->withheld()});
    if (!opened) return std::move(opened).error();
    return std::shared_ptr<vfs::FileSystem>{std::move(*opened)};
}

}  // namespace berth::vfs::posix
