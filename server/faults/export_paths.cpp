#include "server/faults/export_paths.hpp"

namespace berth::server::faults {

std::string ExportPaths::of_object(std::span<const std::byte> handle) const {
    const auto opened = sealer_.open(handle);
    if (!opened) return {};
    const auto table = exports_.pin(this);
    const auto* const exported = table->find(opened->export_id);
    if (exported == nullptr || exported->files == nullptr) return {};
    const auto node = exported->files->find(opened->object, opened->way, vfs::Patience::ample);
    if (!node) return {};
    const auto root = exported->files->root();
    const bool is_root = root && (*root)->id() == (*node)->id();
    const auto place = (*node)->place();
    if (place.empty() && !is_root) return {};
    if (exported->path == "/") return place.empty() ? "/" : place;
    return exported->path + place;
}

std::string ExportPaths::of_export(std::span<const std::byte> handle) const {
    const auto opened = sealer_.open(handle);
    if (!opened) return {};
    const auto table = exports_.pin(this);
    const auto* const exported = table->find(opened->export_id);
    return exported == nullptr ? std::string{} : exported->path;
}

}  // namespace berth::server::faults
