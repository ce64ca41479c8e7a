#include "server/export_trees.hpp"

#include <algorithm>
#include <chrono>
#include <functional>
#include <random>
#include <stdexcept>
#include <utility>

#include <sys/stat.h>
#include <unistd.h>

#include <boost/filesystem/operations.hpp>
#include <boost/filesystem/path.hpp>
#include <spdlog/spdlog.h>

#include "nfs/vfs/mapped_ids.hpp"
#include "nfs/vfs/memory.hpp"
#include "nfs/vfs/posix.hpp"
#include "rpc/threads/background.hpp"
#include "server/exports_files.hpp"
#include "server/within.hpp"

namespace berth::server {

namespace {

using Directory = ExportTrees::Opening::Directory;

/// The path that clients use: as typed, made absolute, with links kept.
std::string export_path(const std::string& directory) {
    boost::system::error_code error;
    const auto here = boost::filesystem::current_path(error);
    if (error && directory.front() != '/')
        throw UsageError(directory + ": the working directory is gone; name an absolute path");
    auto path = boost::filesystem::absolute(directory, here).lexically_normal().string();
    while (path.size() > 1 && path.back() == '/') path.pop_back();
    return path;
}

/// For DIR and --memory.
std::vector<exports::ClientRule> rules_of(const ServeOptions& options) {
    const bool is_said = !options.clients.empty();
    const std::string place{is_said ? exports::place_of_clients
                                    : exports::place_of_default_clients};
    std::vector<exports::ClientRule> rules;
    for (const auto& client : is_said ? options.clients : exports::private_clients())
        rules.push_back({.client = client,
                         .sys = options.exports,
                         .none = options.exports,
                         .where = {.file = place}});
    return rules;
}

bool leads_to(const std::string& path, const Directory& directory) {
    struct stat now {};
    return ::stat(path.c_str(), &now) == 0 && directory.device == now.st_dev &&
           directory.inode == now.st_ino;
}

/// The path with all links resolved; empty if it leads nowhere.
std::string real_path(const std::string& path) {
    boost::system::error_code ignored;
    return boost::filesystem::canonical(path, ignored).string();
}

Directory open_directory(const std::string& path, const std::map<std::string, Directory>& kept,
                         const SharedByTrees& shared) {
    const auto known = kept.find(path);
    if (known != kept.end() && leads_to(path, known->second)) return known->second;
    // Looked up before the opening, so that a later replacement is noticed and followed.
    struct stat now {};
    if (::stat(path.c_str(), &now) != 0) now = {};
    vfs::posix::Options tree;
    tree.volumes = shared.volumes;
    tree.open_files = shared.open_files;
    tree.withheld = shared.withheld;
    tree.journal = shared.journal;
    tree.name_in_journal = path;
    tree.keeps_key = shared.keeps_key;
    auto opened = vfs::posix::open(path, tree);
    if (!opened) throw UsageError(opened.error().reason);
    // Without a key, the state directory has been complained of already.
    const bool is_short_lived = shared.keeps_key && !(*opened)->handles_survive();
    spdlog::log(is_short_lived ? spdlog::level::warn : spdlog::level::info, "{}: {}", path,
                (*opened)->describe());
    if (const auto trouble = (*opened)->trouble()) spdlog::error("{}", *trouble);
    const bool acts_as_callers = (*opened)->acts_as_callers();
    return {std::move(*opened), now.st_dev, now.st_ino, real_path(path), acts_as_callers};
}

constexpr std::chrono::seconds patience_with_a_tree{5};

/// Empty: the file system has not answered.
std::optional<Directory> open_in_time(const std::string& path,
                                      const std::map<std::string, Directory>& kept,
                                      const SharedByTrees& shared) {
    return within(patience_with_a_tree,
                  [path, kept, shared] { return open_directory(path, kept, shared); });
}

/// In a user namespace, anonymous callers need an id that is mapped there, unless all callers act
/// as the server.
void warn_of_unmapped(const std::string& path, const std::vector<exports::ClientRule>& clients,
                      const vfs::MappedOwners& mapped) {
    std::set<std::pair<uid_t, gid_t>> told;
    for (const auto& client : clients) {
        for (const auto& options : {client.sys, client.none}) {
            if (!options) continue;
            const std::pair ids{options->anonymous_uid, options->anonymous_gid};
            if (mapped.users.has(ids.first) && mapped.groups.has(ids.second)) continue;
            if (!told.insert(ids).second) continue;
            spdlog::warn("{}: anonymous callers act as {}:{}, which this user namespace does not "
                         "map, so they are refused; map these ids, or name others (anonuid, "
                         "anongid)",
                         path, ids.first, ids.second);
        }
    }
}

std::shared_ptr<vfs::FileSystem> open_memory() {
    // Handles of the tree from an earlier start must not be taken for handles of this one.
    std::random_device device;
    vfs::memory::Options tree;
    tree.generation = std::uint64_t{device()} << 32 | device();
    return vfs::memory::make(tree);
}

std::vector<boost::filesystem::path> exports_files(const ServeOptions& options) {
    const bool is_anything_named = !options.directories.empty() || !options.memory_names.empty() ||
                                   !options.exports_files.empty();
    if (is_anything_named) return options.exports_files;
    auto files = system_exports_files();
    if (files.empty())
        throw UsageError("nothing to export: name a directory, --memory NAME or --exports FILE; "
                         "there is no /etc/exports, and nothing in /etc/exports.d");
    return files;
}

class Opener {
public:
    using Begin = std::function<void(std::string work)>;

    Opener(const ExportTrees::Opening& kept, const SharedByTrees& shared, Begin begin)
        : kept_(kept),
          shared_(shared),
          begin_(std::move(begin)) {}

    void add_directory(const std::string& path, std::vector<exports::ClientRule> clients,
                       const std::optional<exports::GivenFsid>& fsid = {}) {
        begin_("opening " + path);
        auto& directory = opening_.directories[path];
        if (!directory.files && !open_or_keep(path, directory)) {
            opening_.directories.erase(path);
            return;
        }
        if (directory.acts_as_callers) warn_of_unmapped(path, clients, mapped_);
        opening_.exports.push_back(
            exports::make_export(path, directory.files, std::move(clients), fsid));
    }

    void add_directory(const std::string& directory, const ServeOptions& options) {
        const auto place = options.places.find(directory);
        try {
            add_directory(export_path(directory), rules_of(options));
        } catch (const UsageError& error) {
            if (place == options.places.end()) throw;
            throw UsageError(place->second + ": " + error.what());
        }
    }

    void add(const exports::ListedExport& listed) {
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

    void add_memory(const std::string& name, std::vector<exports::ClientRule> clients) {
        const auto known = kept_.memory.find(name);
        if (known == kept_.memory.end())
            spdlog::info(
                "/{}: kept in memory alone: a restart empties it, and clients must mount it "
                "again",
                name);
        const auto& files =
            opening_.memory
                .emplace(name, known != kept_.memory.end() ? known->second : open_memory())
                .first->second;
        opening_.exports.push_back(exports::make_export("/" + name, files, std::move(clients)));
    }

    ExportTrees::Opening take() { return std::move(opening_); }

private:
    /// False: it does not answer, and is not exported yet.
    bool open_or_keep(const std::string& path, Directory& directory) {
        if (auto opened = open_in_time(path, kept_.directories, shared_)) {
            directory = *std::move(opened);
            return true;
        }
        const auto known = kept_.directories.find(path);
        if (known == kept_.directories.end()) {
            spdlog::error("{} is not exported: its file system does not answer; SIGHUP exports it "
                          "once it does",
                          path);
            return false;
        }
        spdlog::error("{}: its file system does not answer; the export stays as it "
                      "was",
                      path);
        directory = known->second;
        return true;
    }

    const ExportTrees::Opening& kept_;
    const SharedByTrees& shared_;
    const Begin begin_;
    const vfs::MappedOwners mapped_ = vfs::MappedOwners::of_process();
    ExportTrees::Opening opening_;
};

std::shared_ptr<void> start_thread(std::string name, threads::Background::Work work) {
    return std::make_shared<threads::Background>(std::move(name), std::move(work));
}

}  // namespace

ExportTrees::ExportTrees(const StateDirectory& state, std::size_t descriptors_max) {
    shared_.open_files = vfs::posix::make_open_files(descriptors_max);
    shared_.withheld = state.withheld();
    shared_.keeps_key = state.keeps_key();
    if (const auto directory = state.file("names"))
        shared_.journal = vfs::posix::journal_in(*directory, start_thread);
}

ExportTrees::Opening ExportTrees::open(const ServeOptions& options) const {
    Opener opener{kept_, shared_, [this](std::string work) { begin(std::move(work)); }};
    try {
        for (const auto& directory : options.directories) opener.add_directory(directory, options);
        for (const auto& listed :
             read_exports(exports_files(options), options.reading, options.places))
            opener.add(listed);
        for (const auto& name : options.memory_names) opener.add_memory(name, rules_of(options));
        auto opening = opener.take();
        find_mounted(opening);
        static_cast<void>(exports::Table{opening.exports});  // throws for duplicate paths and ids
        return opening;
    } catch (const std::invalid_argument& error) {
        throw UsageError(error.what());
    }
}

void ExportTrees::begin(std::string work) const {
    auto busy_with = busy_with_.synchronize();
    *busy_with = std::move(work);
}

std::string ExportTrees::busy_with() const {
    auto busy_with = busy_with_.synchronize();
    return *busy_with;
}

void ExportTrees::find_mounted(Opening& opening) const {
    begin("looking for what is mounted below the exports");
    auto in_time = within(patience_with_a_tree, [listed = opening.exports, mounts = kept_.mounts] {
        return exports::find_nested(listed, mounts);
    });
    if (!in_time) {
        spdlog::error("can't find out what is mounted below the exports: a file "
                      "system does not answer; the nested exports stay as they were");
        keep_mounted(opening);
        return;
    }
    auto found = *std::move(in_time);
    opening.exports = std::move(found.exports);
    opening.mounts = std::move(found.opened);
    opening.hidden = std::move(found.hidden);
    for (const auto& line : opening.hidden)
        if (std::ranges::find(kept_.hidden, line) == kept_.hidden.end()) spdlog::warn("{}", line);
}

void ExportTrees::keep_mounted(Opening& opening) const {
    for (auto& exported : opening.exports) {
        const auto known = std::ranges::find(kept_.exports, exported.id, &exports::Export::id);
        if (known != kept_.exports.end()) exported.crossings = known->crossings;
    }
    for (const auto& exported : kept_.exports)
        if (exported.is_nested) opening.exports.push_back(exported);
    opening.mounts = kept_.mounts;
    opening.hidden = kept_.hidden;
}

std::optional<ExportTrees::Opening>
ExportTrees::look_again(const std::set<std::string>& paths) const {
    auto opening = kept_;
    std::erase_if(opening.exports,
                  [](const exports::Export& exported) { return exported.is_nested; });
    for (auto& exported : opening.exports) {
        exported.crossings.clear();
        if (paths.contains(exported.path)) follow(opening, exported);
    }
    find_mounted(opening);
    const auto is_same = [](const exports::Export& a, const exports::Export& b) {
        return a.id == b.id && a.path == b.path && a.files == b.files && a.crossings == b.crossings;
    };
    if (std::ranges::equal(opening.exports, kept_.exports, is_same)) return {};
    return opening;
}

void ExportTrees::follow(Opening& opening, exports::Export& exported) const {
    const auto known = std::ranges::find_if(opening.directories, [&](const auto& directory) {
        return directory.second.files == exported.files;
    });
    if (known == opening.directories.end()) return;
    auto& [path, directory] = *known;
    begin("opening " + path);
    // An export that requires a mount is not one without it.
    const auto point = opening.mount_points.find(path);
    if (point != opening.mount_points.end() && !is_mount_point(point->second)) return;
    try {
        // Anybody who can put a link there must not be able to decide what is exported.
        const auto leads_to = within(patience_with_a_tree, [at = path] { return real_path(at); });
        if (!leads_to) throw UsageError("its file system does not answer");
        if (*leads_to != directory.real_path)
            throw UsageError("links in its path lead to " + *leads_to + " now, and led to " +
                             directory.real_path +
                             " when it was exported; send SIGHUP to export the new directory");
        auto opened = open_in_time(path, kept_.directories, shared_);
        if (!opened) throw UsageError("its file system does not answer");
        directory = *std::move(opened);
        exported.files = directory.files;
        told_.erase(path);
    } catch (const UsageError& error) {
        auto& told = told_[path];
        if (told != error.what())
            spdlog::error("{}: can't export the directory that is there now: {}", path,
                          error.what());
        told = error.what();
    }
}

std::map<std::string, ExportTrees::Place> ExportTrees::places() const {
    std::map<std::string, Place> places;
    for (const auto& exported : kept_.exports)
        for (const auto& [path, directory] : kept_.directories)
            if (directory.files == exported.files)
                places[exported.path] = {directory.device, directory.inode};
    return places;
}

std::vector<std::string> ExportTrees::keep(const Opening& opening) {
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
