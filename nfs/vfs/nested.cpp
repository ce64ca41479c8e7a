#include "nfs/vfs/nested.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include "nfs/vfs/posix.hpp"
#include "nfs/vfs/posix/mount_table.hpp"

namespace berth::vfs {
namespace {

using posix::Mount;
using posix::Mounting;

// There may be many of them, and together they must leave descriptors for others.
constexpr std::size_t nodes_max = 2048;

// Those of no block device that keep files all the same. Others are interfaces of the kernel or of
// a process, or another machine's.
constexpr std::array<std::string_view, 6> file_keepers{"tmpfs",    "overlay", "btrfs",
                                                       "bcachefs", "zfs",     "ubifs"};

bool keeps_files(const Mount& mount) {
    return mount.device_major != 0 ||
           std::ranges::find(file_keepers, mount.type) != file_keepers.end();
}

/// What follows `parent` in the path of something below it: "/" and more. Empty: it is not below.
std::string_view below(std::string_view parent, std::string_view path) {
    if (parent == "/") parent = "";
    if (!path.starts_with(parent)) return {};
    path.remove_prefix(parent.size());
    return path.size() > 1 && path.front() == '/' ? path : std::string_view{};
}

const posix::FileSystem* directory_of(const Export& exported) {
    return dynamic_cast<const posix::FileSystem*>(exported.files.get());
}

/// Whether a client may have it so.
bool has_option(const Export& exported, bool ExportOptions::*option, bool value) {
    return std::ranges::any_of(exported.clients.all(), [&](const ClientRule& rule) {
        const auto& options = rule.sys ? rule.sys : rule.none;
        return options && (*options).*option == value;
    });
}

class Finder {
public:
    Finder(std::vector<Export> listed, const OpenMounts& kept) : kept_(kept) {
        found_.exports = std::move(listed);
        // Who is mounted in another one comes after it.
        std::ranges::stable_sort(mounts_, std::ranges::less{},
                                 [](const Mount& mount) { return mount.point.size(); });
        for (const auto& exported : found_.exports) {
            const auto* directory = directory_of(exported);
            const auto mounting =
                directory != nullptr ? directory->mounting() : std::errc::not_supported;
            listed_.push_back(mounting ? *mounting : Mounting{});
        }
    }

    Nested find() {
        for (std::size_t at = 0; at < listed_.size(); ++at)
            if (!listed_[at].path.empty()) look_below(at);
        return std::move(found_);
    }

private:
    void look_below(std::size_t top) {
        crosses_ = has_option(found_.exports[top], &ExportOptions::crosses_mounts, true);
        const bool has_handles = directory_of(found_.exports[top])->has_kernel_handles();
        if (crosses_ && !has_handles)
            hide(listed_[top].path, "the kernel opens no handles of what is there");
        if (!has_handles) return;
        identities_.clear();
        holders_ = {{listed_[top].mount, top}};
        for (const auto& mount : mounts_) {
            const auto way = below(listed_[top].path, mount.point);
            const auto outer = holders_.find(mount.parent);
            if (way.empty() || outer == holders_.end()) continue;
            add_listed(mount, top, outer->second);
            if (crosses_) add_nested(mount, top, outer->second, way);
        }
    }

    void hide(const std::string& path, std::string_view reason) {
        auto line = path + ": what is mounted here stays hidden: " + std::string{reason};
        const bool is_new = std::ranges::find(found_.hidden, line) == found_.hidden.end();
        if (is_new) found_.hidden.push_back(std::move(line));
    }

    /// Exports of their own, where those of the outer one are to see them.
    void add_listed(const Mount& mount, std::size_t top, std::size_t outer) {
        for (std::size_t at = 0; at < listed_.size(); ++at) {
            const auto& mounting = listed_[at];
            if (at == top || !mounting.is_root || mounting.mount != mount.id) continue;
            if (crosses_ || has_option(found_.exports[at], &ExportOptions::is_hidden, false))
                cross(mount, outer, found_.exports[at]);
        }
    }

    void add_nested(const Mount& mount, std::size_t top, std::size_t outer, std::string_view way) {
        if (!keeps_files(mount)) {
            hide(mount.point, "a file system of type " + mount.type);
            return;
        }
        const auto files = open(mount, *directory_of(found_.exports[top]));
        const auto* directory = dynamic_cast<const posix::FileSystem*>(files.get());
        if (directory == nullptr) return;
        const auto mounting = directory->mounting();
        if (!mounting || mounting->mount != mount.id || !mounting->is_root) {
            // Something else is mounted over it, and lies in what this one lies in.
            holders_.emplace(mount.id, outer);
            return;
        }
        if (!directory->has_kernel_handles()) {
            hide(mount.point, "the kernel opens no handles of what is there");
            return;
        }
        found_.opened.emplace(mount.id, files);
        const auto& listed = found_.exports[top];
        const auto path = (listed.path == "/" ? "" : listed.path) + std::string{way};
        auto nested = make_nested_export(listed, path, files, identity(*directory, mount, way));
        if (!cross(mount, outer, nested)) return;
        holders_.emplace(mount.id, found_.exports.size());
        found_.exports.push_back(std::move(nested));
    }

    std::shared_ptr<FileSystem> open(const Mount& mount, const posix::FileSystem& listed) {
        for (const OpenMounts* from : {&std::as_const(found_.opened), &kept_})
            if (const auto known = from->find(mount.id); known != from->end()) return known->second;
        auto opened = posix::open(
            mount.point,
            {.nodes_max = nodes_max, .volumes = listed.volumes(), .withheld = listed.withheld()});
        if (opened) return std::move(*opened);
        const bool is_file = opened.error().code == std::errc::not_a_directory;
        hide(mount.point, is_file ? "a single file" : opened.error().reason);
        return nullptr;
    }

    /// The same again for what is mounted twice would make two exports one.
    std::string identity(const posix::FileSystem& files, const Mount& mount, std::string_view way) {
        auto text = files.fingerprint();
        if (text.empty()) text = mount.type + " " + mount.source;
        if (!identities_.insert(text).second) text += " at " + std::string{way};
        return text;
    }

    bool cross(const Mount& mount, std::size_t outer, const Export& inner) {
        const auto* directory = directory_of(inner);
        const auto place = directory_of(found_.exports[outer])->place_of(*directory);
        if (!place) {
            hide(mount.point, std::make_error_code(place.error()).message());
            return false;
        }
        auto name = mount.point.substr(mount.point.rfind('/') + 1);
        found_.exports[outer].crossings.push_back({*place, std::move(name), inner.id});
        return true;
    }

    const OpenMounts& kept_;
    std::vector<Mount> mounts_ = posix::read_mounts();
    std::vector<Mounting> listed_;  // without a path where it is no directory
    Nested found_;
    // Below one listed export:
    bool crosses_ = false;
    std::map<std::uint64_t, std::size_t> holders_;  // what is mounted, and in which export
    std::set<std::string> identities_;
};

}  // namespace

Nested find_nested(std::vector<Export> listed, const OpenMounts& kept) {
    const bool is_asked_for = std::ranges::any_of(listed, [](const Export& exported) {
        return has_option(exported, &ExportOptions::crosses_mounts, true) ||
               has_option(exported, &ExportOptions::is_hidden, false);
    });
    if (!is_asked_for) return {.exports = std::move(listed)};
    return Finder{std::move(listed), kept}.find();
}

MountWatch::MountWatch() : descriptor_(::open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC)) {}

MountWatch::~MountWatch() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

}  // namespace berth::vfs
