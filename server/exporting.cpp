#include "server/exporting.hpp"

#include <algorithm>
#include <filesystem>
#include <random>
#include <stdexcept>
#include <utility>

#include <sys/stat.h>
#include <unistd.h>

#include <spdlog/spdlog.h>

#include "nfs/vfs/mapped_ids.hpp"
#include "nfs/vfs/memory.hpp"
#include "nfs/vfs/posix.hpp"
#include "server/exports_files.hpp"

namespace berth::server {

namespace {

using Directory = Exporting::Opening::Directory;

/// The path that clients name: as typed, made absolute, links in it left as they are.
std::string export_path(const std::string& directory) {
    auto path = std::filesystem::absolute(directory).lexically_normal().string();
    while (path.size() > 1 && path.back() == '/') path.pop_back();
    return path;
}

std::vector<vfs::ClientRule> for_everyone(const vfs::ExportOptions& options) {
    return {{.client = {}, .sys = options, .none = options, .where = {.file = "command line"}}};
}

bool leads_to(const std::string& path, const Directory& directory) {
    struct stat now {};
    return ::stat(path.c_str(), &now) == 0 && directory.device == now.st_dev &&
           directory.inode == now.st_ino;
}

/// With all links followed; empty when that leads nowhere.
std::string real_path(const std::string& path) {
    std::error_code ignored;
    return std::filesystem::canonical(path, ignored).string();
}

Directory open_directory(const std::string& path, const std::map<std::string, Directory>& kept,
                         const SharedByTrees& shared) {
    const auto known = kept.find(path);
    if (known != kept.end() && leads_to(path, known->second)) return known->second;
    // Before it is opened: what takes its place meanwhile is noticed and followed later.
    struct stat now {};
    if (::stat(path.c_str(), &now) != 0) now = {};
    vfs::posix::Options tree;
    tree.volumes = shared.volumes;
    tree.withheld = shared.withheld;
    tree.journal = shared.journal;
    tree.name_in_journal = path;
    auto opened = vfs::posix::open(path, tree);
    if (!opened) throw UsageError(opened.error().reason);
    spdlog::info("{}: {}", path, (*opened)->describe());
    if (const auto trouble = (*opened)->trouble()) spdlog::error("{}", *trouble);
    return {std::move(*opened), now.st_dev, now.st_ino, real_path(path)};
}

/// In a user namespace, anonymous callers need an id that is mapped there.
void warn_of_unmapped(const std::string& path, const std::vector<vfs::ClientRule>& clients,
                      const vfs::MappedOwners& mapped) {
    for (const auto& client : clients) {
        const auto& options = client.sys ? client.sys : client.none;
        if (!options ||
            (mapped.users.has(options->anonymous_uid) && mapped.groups.has(options->anonymous_gid)))
            continue;
        spdlog::warn("{}: anonymous callers act as {}:{}, which this user namespace does not map, "
                     "so they are refused; map these ids, or name others (anonuid, anongid)",
                     path, options->anonymous_uid, options->anonymous_gid);
        return;
    }
}

std::shared_ptr<vfs::FileSystem> open_memory(const std::string& name) {
    if (name.empty() || name.find('/') != std::string::npos || name == "." || name == "..")
        throw UsageError("--memory " + name + ": expected a name without '/'");
    // Handles of the tree that an earlier start had must not be taken for handles of this one.
    std::random_device device;
    vfs::memory::Options tree;
    tree.generation = std::uint64_t{device()} << 32 | device();
    return vfs::memory::make(tree);
}

std::vector<std::filesystem::path> exports_files(const ServeOptions& options) {
    const bool is_anything_named = !options.directories.empty() || !options.memory_names.empty() ||
                                   !options.exports_files.empty();
    if (is_anything_named) return options.exports_files;
    auto files = system_exports_files();
    if (files.empty())
        throw UsageError("nothing to export: name a directory, --memory NAME or --exports FILE; "
                         "there is no /etc/exports");
    return files;
}

class Opener {
public:
    Opener(const Exporting::Opening& kept, const SharedByTrees& shared)
        : kept_(kept),
          shared_(shared) {}

    void add_directory(const std::string& path, std::vector<vfs::ClientRule> clients,
                       const std::optional<vfs::GivenFsid>& fsid = {}) {
        auto& directory = opening_.directories[path];
        if (!directory.files) directory = open_directory(path, kept_.directories, shared_);
        if (::geteuid() == 0) warn_of_unmapped(path, clients, mapped_);
        opening_.exports.push_back(
            vfs::make_export(path, directory.files, std::move(clients), fsid));
    }

    void add(const vfs::ListedExport& listed) {
        if (listed.mount_point && !is_mount_point(*listed.mount_point)) {
            spdlog::warn("{}: {} is not exported: nothing is mounted at {}", listed.where.text(),
                         listed.path, *listed.mount_point);
            return;
        }
        if (listed.mount_point) opening_.mount_points[listed.path] = *listed.mount_point;
        try {
            add_directory(listed.path, listed.clients, listed.fsid);
        } catch (const UsageError& error) {
            throw UsageError(listed.where.text() + ": " + error.what());
        }
    }

    void add_memory(const std::string& name, const vfs::ExportOptions& options) {
        const auto known = kept_.memory.find(name);
        const auto& files =
            opening_.memory
                .emplace(name, known != kept_.memory.end() ? known->second : open_memory(name))
                .first->second;
        opening_.exports.push_back(vfs::make_export("/" + name, files, for_everyone(options)));
    }

    Exporting::Opening take() { return std::move(opening_); }

private:
    const Exporting::Opening& kept_;
    const SharedByTrees& shared_;
    const vfs::MappedOwners mapped_ = vfs::MappedOwners::of_process();
    Exporting::Opening opening_;
};

}  // namespace

Exporting::Exporting(const StateDirectory& state) {
    shared_.withheld = state.withheld();
    if (const auto directory = state.file("names"))
        shared_.journal = vfs::posix::journal_in(*directory);
}

Exporting::Opening Exporting::open(const ServeOptions& options) const {
    Opener opener{kept_, shared_};
    try {
        for (const auto& directory : options.directories)
            opener.add_directory(export_path(directory), for_everyone(options.exports));
        for (const auto& listed : read_exports(exports_files(options))) opener.add(listed);
        for (const auto& name : options.memory_names) opener.add_memory(name, options.exports);
        auto opening = opener.take();
        find_mounted(opening);
        static_cast<void>(vfs::ExportTable{opening.exports});  // twins are found here
        return opening;
    } catch (const std::invalid_argument& error) {
        throw UsageError(error.what());
    }
}

void Exporting::find_mounted(Opening& opening) const {
    auto found = vfs::find_nested(std::move(opening.exports), kept_.mounts);
    opening.exports = std::move(found.exports);
    opening.mounts = std::move(found.opened);
    opening.hidden = std::move(found.hidden);
    for (const auto& line : opening.hidden)
        if (std::ranges::find(kept_.hidden, line) == kept_.hidden.end()) spdlog::warn("{}", line);
}

std::optional<Exporting::Opening> Exporting::look_again(const std::set<std::string>& paths) const {
    auto opening = kept_;
    std::erase_if(opening.exports, [](const vfs::Export& exported) { return exported.is_nested; });
    for (auto& exported : opening.exports) {
        exported.crossings.clear();
        if (paths.contains(exported.path)) follow(opening, exported);
    }
    find_mounted(opening);
    const auto is_same = [](const vfs::Export& a, const vfs::Export& b) {
        return a.id == b.id && a.path == b.path && a.files == b.files && a.crossings == b.crossings;
    };
    if (std::ranges::equal(opening.exports, kept_.exports, is_same)) return {};
    return opening;
}

void Exporting::follow(Opening& opening, vfs::Export& exported) const {
    const auto known = std::ranges::find_if(opening.directories, [&](const auto& directory) {
        return directory.second.files == exported.files;
    });
    if (known == opening.directories.end()) return;
    auto& [path, directory] = *known;
    // An export that is one only while something is mounted there is none without.
    const auto point = opening.mount_points.find(path);
    if (point != opening.mount_points.end() && !is_mount_point(point->second)) return;
    try {
        // Whoever may put a link there must not be the one who says what is exported.
        if (const auto leads_to = real_path(path); leads_to != directory.real_path)
            throw UsageError("links in its path lead to " + leads_to + " now, and led to " +
                             directory.real_path + " when it was exported; SIGHUP exports that");
        directory = open_directory(path, kept_.directories, shared_);
        exported.files = directory.files;
        told_.erase(path);
    } catch (const UsageError& error) {
        auto& told = told_[path];
        if (told != error.what())
            spdlog::error("{}: clients can't mount what is there now: {}", path, error.what());
        told = error.what();
    }
}

std::map<std::string, Exporting::Place> Exporting::places() const {
    std::map<std::string, Place> places;
    for (const auto& exported : kept_.exports)
        for (const auto& [path, directory] : kept_.directories)
            if (directory.files == exported.files)
                places[exported.path] = {directory.device, directory.inode};
    return places;
}

std::vector<std::string> Exporting::keep(const Opening& opening) {
    std::vector<std::string> replaced;
    for (const auto& [path, directory] : opening.directories) {
        const auto known = kept_.directories.find(path);
        if (known != kept_.directories.end() && known->second.files != directory.files)
            replaced.push_back(path);
    }
    kept_ = opening;
    return replaced;
}

}  // namespace berth::server
