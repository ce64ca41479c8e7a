// Leads from one export to what is mounted in it, and back up.
#include <algorithm>

#include "nfs/access/resolver.hpp"

namespace berth::access {

namespace {

/// Whether a caller that may use both sees the inner export in the outer one.
bool is_shown(const exports::Export& inner, const exports::Options& of_inner,
              const exports::Options& of_outer) {
    return inner.is_nested || of_outer.crosses_mounts || !of_inner.is_hidden;
}

vfs::Result<void> check_search(const Target& directory) {
    const auto granted = directory.node->access(directory.caller, vfs::may_execute);
    if (!granted) return granted.error();
    if (*granted != vfs::may_execute) return std::errc::permission_denied;
    return {};
}

}  // namespace

vfs::Result<std::optional<Target>> Resolver::cross(rpc::Call& call, const Target& from,
                                                   std::string_view name) const {
    if (name == "..") return cross_up(call, from);
    for (const auto& crossing : from.exported->crossings) {
        if (crossing.name != name || crossing.directory != from.node->id()) continue;
        auto inner = cross_down(call, from, crossing);
        if (!inner || *inner) return inner;
    }
    return std::optional<Target>{};
}

vfs::Result<std::optional<Target>> Resolver::cross_down(rpc::Call& call, const Target& from,
                                                        const exports::Crossing& crossing) const {
    auto permit = admit(call, crossing.inner);
    if (!permit && permit.error() == vfs::would_block) return permit.error();
    if (!permit || !is_shown(*permit->exported, *permit->options, *from.options))
        return std::optional<Target>{};
    if (const auto allowed = check_search(from); !allowed) return allowed.error();
    auto root = permit->exported->files->root(from.caller.patience);
    if (!root) return root.error();
    return std::optional{Target{*std::move(permit), call, *std::move(root)}};
}

vfs::Result<std::optional<Target>> Resolver::cross_up(rpc::Call& call, const Target& from) const {
    for (const auto& outer : from.exports->all()) {
        const auto crossing =
            std::ranges::find(outer.crossings, from.exported->id, &exports::Crossing::inner);
        if (crossing == outer.crossings.end()) continue;
        const auto root = from.exported->files->root(from.caller.patience);
        if (!root && root.error() == vfs::would_block) return root.error();
        if (!root || *root != from.node) break;
        auto permit = admit(call, outer.id);
        if (!permit && permit.error() == vfs::would_block) return permit.error();
        if (!permit || !is_shown(*from.exported, *from.options, *permit->options)) continue;
        if (const auto allowed = check_search(from); !allowed) return allowed.error();
        auto above = permit->exported->files->find(crossing->directory, from.caller.patience);
        if (!above) return above.error();
        return std::optional{Target{*std::move(permit), call, *std::move(above)}};
    }
    return std::optional<Target>{};
}

}  // namespace berth::access
