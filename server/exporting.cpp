#include "server/exporting.hpp"

#include <filesystem>
#include <random>
#include <stdexcept>
#include <utility>

#include <spdlog/spdlog.h>

#include "nfs/vfs/memory.hpp"

namespace berth::server {

namespace {

/// The path that clients name: as typed, made absolute, links in it left as they are.
std::string export_path(const std::string& directory) {
    auto path = std::filesystem::absolute(directory).lexically_normal().string();
    while (path.size() > 1 && path.back() == '/') path.pop_back();
    return path;
}

std::shared_ptr<vfs::posix::FileSystem> open_directory(const std::string& directory,
                                                       std::filesystem::path journal) {
    vfs::posix::Options tree;
    tree.journal = std::move(journal);
    auto opened = vfs::posix::open(directory, tree);
    if (!opened) throw UsageError(opened.error().reason);
    return std::move(*opened);
}

vfs::Export open_memory(const std::string& name, const vfs::ExportOptions& options) {
    if (name.empty() || name.find('/') != std::string::npos || name == "." || name == "..")
        throw UsageError("--memory " + name + ": expected a name without '/'");
    // Handles of the tree that an earlier start had must not be taken for handles of this one.
    std::random_device device;
    vfs::memory::Options tree;
    tree.generation = std::uint64_t{device()} << 32 | device();
    return vfs::make_export("/" + name, vfs::memory::make(tree), options);
}

}  // namespace

Exporting open_exports(const ServeOptions& options, const StateDirectory& state) {
    Exporting exporting;
    std::vector<vfs::Export> exports;
    try {
        for (const auto& directory : options.directories) {
            const auto path = export_path(directory);
            auto files = open_directory(directory, state.names_of(path));
            spdlog::info("{}: {}", path, files->describe());
            exports.push_back(vfs::make_export(path, files, options.exports));
            exporting.directories.push_back(std::move(files));
        }
        for (const auto& name : options.memory_names)
            exports.push_back(open_memory(name, options.exports));
        exporting.exports = vfs::Exports{std::move(exports)};
    } catch (const std::invalid_argument& error) {
        throw UsageError(error.what());
    }
    return exporting;
}

}  // namespace berth::server
