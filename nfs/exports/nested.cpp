#include "nfs/exports/nested.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>
#include <utility>

#include "nfs/exports/reasons.hpp"
#include "nfs/vfs/mounts.hpp"

namespace berth::exports {
namespace {

using vfs::Mount;
using vfs::MountPlace;

// File systems without a block device that keep files themselves. Others are interfaces to the
// kernel or to a process, or belong to another machine.
constexpr std::array<std::string_view, 6> file_keepers{"tmpfs",    "overlay", "btrfs",
                                                       "bcachefs", "zfs",     "ubifs"};

bool keeps_files(const Mount& mount) {
    return mount.device_major != 0 ||
           std::ranges::find(file_keepers, mount.type) != file_keepers.end();
}

/// The rest of `path` below `parent`: "/" and more. Empty: it is not below.
std::string_view way_below(std::string_view parent, std::string_view path) {
    if (parent == "/") parent = "";
    if (!path.starts_with(parent)) return {};
    path.remove_prefix(parent.size());
    return path.size() > 1 && path.front() == '/' ? path : std::string_view{};
}

/// Whether some client has the option set to this value.
bool has_option(const Export& exported, bool Options::*option, bool value) {
    return std::ranges::any_of(exported.clients.all(), [&](const ClientRule& rule) {
        const auto& options = rule.sys ? rule.sys : rule.none;
        return options && (*options).*option == value;
    });
}

class Finder {
public:
    Finder(std::vector<Export> listed, const OpenMounts& kept) : kept_(kept) {
        found_.exports = std::move(listed);
        // A mount inside another one comes after it.
        std::ranges::stable_sort(mounts_, std::ranges::less{},
                                 [](const Mount& mount) { return mount.point.size(); });
        for (const auto& exported : found_.exports) {
            listed_.emplace_back();
            if (exported.files == nullptr) continue;
            if (const auto root = exported.files->mount_place()) listed_.back() = *root;
        }
    }

    Nested find() {
        for (std::size_t at = 0; at < listed_.size(); ++at)
            if (!listed_[at].path.empty()) look_below(at);
        return std::move(found_);
    }

private:
    void look_below(std::size_t top) {
        crosses_ = has_option(found_.exports[top], &Options::crosses_mounts, true);
        const bool has_handles = found_.exports[top].files->has_kernel_handles();
        if (crosses_ && !has_handles)
            hide(listed_[top].path, "its file system has no handles that the kernel can open");
        if (!has_handles) return;
        identities_.clear();
        holders_ = {{listed_[top].mount, top}};
        for (const auto& mount : mounts_) {
            const auto way = way_below(listed_[top].path, mount.point);
            const auto outer = holders_.find(mount.parent);
            if (way.empty() || outer == holders_.end()) continue;
            add_listed(mount, top, outer->second);
            if (crosses_) add_nested(mount, top, outer->second, way);
        }
    }

    void hide(const std::string& path, std::string_view reason) {
        auto line = path + ": " + std::string{reasons::hidden_mount} + ": " + std::string{reason};
        const bool is_new = std::ranges::find(found_.hidden, line) == found_.hidden.end();
        if (is_new) found_.hidden.push_back(std::move(line));
    }

    /// Adds crossings to listed exports on this mount, if clients of the outer one may see them.
    void add_listed(const Mount& mount, std::size_t top, std::size_t outer) {
        for (std::size_t at = 0; at < listed_.size(); ++at) {
            const auto& root = listed_[at];
            if (at == top || !root.is_root || root.mount != mount.id) continue;
            if (crosses_ || has_option(found_.exports[at], &Options::is_hidden, false))
                cross(mount, outer, root, found_.exports[at]);
        }
    }

    void add_nested(const Mount& mount, std::size_t top, std::size_t outer, std::string_view way) {
        if (!keeps_files(mount)) {
            hide(mount.point, "a file system of type " + mount.type);
            return;
        }
        const auto files = open(mount, *found_.exports[top].files);
        if (files == nullptr) return;
        const auto root = files->mount_place();
        if (!root || root->mount != mount.id || !root->is_root) {
            // Something else is mounted over it, and belongs to what this mount belongs to.
            holders_.emplace(mount.id, outer);
            return;
        }
        if (!files->has_kernel_handles()) {
            hide(mount.point, "its file system has no handles that the kernel can open");
            return;
        }
        found_.opened.emplace(mount.id, files);
        const auto& listed = found_.exports[top];
        const auto path = (listed.path == "/" ? "" : listed.path) + std::string{way};
        auto nested = make_nested_export(listed, path, files, identity(*files, mount, way));
        if (!cross(mount, outer, *root, nested)) return;
        holders_.emplace(mount.id, found_.exports.size());
        found_.exports.push_back(std::move(nested));
    }

    std::shared_ptr<vfs::FileSystem> open(const Mount& mount, const vfs::FileSystem& listed) {
        for (const OpenMounts* from : {&std::as_const(found_.opened), &kept_})
            if (const auto known = from->find(mount.id); known != from->end()) return known->second;
        auto opened = listed.open_mounted(mount.point);
        if (opened) return *std::move(opened);
        const bool is_file = opened.error().code == std::errc::not_a_directory;
        hide(mount.point, is_file ? "a single file" : opened.error().reason);
        return nullptr;
    }

    /// A second mount of a file system gets its path added, or both would be the same export.
    std::string identity(const vfs::FileSystem& files, const Mount& mount, std::string_view way) {
        auto text = files.fingerprint();
        if (text.empty()) text = mount.type + " " + mount.source;
        if (!identities_.insert(text).second) text += " at " + std::string{way};
        return text;
    }

    bool cross(const Mount& mount, std::size_t outer, const MountPlace& root, const Export& inner) {
        const auto place = found_.exports[outer].files->place_of(root);
        if (!place) {
            hide(mount.point, std::make_error_code(place.error()).message());
            return false;
        }
        auto name = mount.point.substr(mount.point.rfind('/') + 1);
        found_.exports[outer].crossings.push_back({*place, std::move(name), inner.id});
        return true;
    }

    const OpenMounts& kept_;
    std::vector<Mount> mounts_ = vfs::read_mounts();
    std::vector<MountPlace> listed_;  // without a path if it is not a directory
    Nested found_;
    // State for the mounts below one listed export:
    bool crosses_ = false;
    std::map<std::uint64_t, std::size_t> holders_;  // mounts, and the exports that contain them
    std::set<std::string> identities_;
};

}  // namespace

Nested find_nested(std::vector<Export> listed, const OpenMounts& kept) {
    const bool is_asked_for = std::ranges::any_of(listed, [](const Export& exported) {
        return has_option(exported, &Options::crosses_mounts, true) ||
               has_option(exported, &Options::is_hidden, false);
    });
    if (!is_asked_for) return {.exports = std::move(listed)};
    return Finder{std::move(listed), kept}.find();
}

}  // namespace berth::exports
