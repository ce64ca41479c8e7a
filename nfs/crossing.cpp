// From one export to what is mounted in it, and back up.
#include <algorithm>

#include "nfs/service.hpp"

namespace berth::nfs {

namespace {

/// Whether who may use both is to see the inner one in the outer.
bool is_shown(const vfs::Export& inner, const vfs::ExportOptions& of_inner,
              const vfs::ExportOptions& of_outer) {
    return inner.is_nested || of_outer.crosses_mounts || !of_inner.is_hidden;
}

vfs::Result<void> check_search(const Target& directory) {
    const auto granted = directory.node->access(directory.caller, vfs::may_execute);
    if (!granted) return granted.error();
    if (*granted != vfs::may_execute) return std::errc::permission_denied;
    return {};
}

}  // namespace

vfs::Result<std::optional<Target>> Service::cross(rpc::Call& call, const Target& from,
                                                  std::string_view name) const {
    if (name == "..") return cross_up(call, from);
    for (const auto& crossing : from.exported->crossings) {
        if (crossing.name != name || crossing.directory != from.node->id()) continue;
        auto inner = cross_down(call, from, crossing);
        if (!inner || *inner) return inner;
    }
    return std::optional<Target>{};
}

vfs::Result<std::optional<Target>> Service::cross_down(rpc::Call& call, const Target& from,
                                                       const vfs::Crossing& crossing) const {
    auto permit = admit(call, crossing.inner);
    if (!permit && permit.error() == vfs::would_block) return permit.error();
    if (!permit || !is_shown(*permit->exported, *permit->options, *from.options))
        return std::optional<Target>{};
    if (const auto allowed = check_search(from); !allowed) return allowed.error();
    auto root = permit->exported->files->root(from.caller.wait);
    if (!root) return root.error();
    return std::optional{target(call, *std::move(permit), *std::move(root), from.caller.wait)};
}

vfs::Result<std::optional<Target>> Service::cross_up(rpc::Call& call, const Target& from) const {
    for (const auto& outer : from.exports->all()) {
        const auto crossing =
            std::ranges::find(outer.crossings, from.exported->id, &vfs::Crossing::inner);
        if (crossing == outer.crossings.end()) continue;
        const auto root = from.exported->files->root(from.caller.wait);
        if (!root && root.error() == vfs::would_block) return root.error();
        if (!root || *root != from.node) break;
        auto permit = admit(call, outer.id);
        if (!permit && permit.error() == vfs::would_block) return permit.error();
        if (!permit || !is_shown(*from.exported, *from.options, *permit->options)) continue;
        if (const auto allowed = check_search(from); !allowed) return allowed.error();
        auto above = permit->exported->files->find(crossing->directory, from.caller.wait);
        if (!above) return above.error();
        return std::optional{target(call, *std::move(permit), *std::move(above), from.caller.wait)};
    }
    return std::optional<Target>{};
}

}  // namespace berth::nfs
