#include "server/exports_command.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "nfs/vfs/exports.hpp"
#include "nfs/vfs/nested.hpp"
#include "nfs/vfs/posix.hpp"
#include "server/exports_files.hpp"
#include "server/system_hosts.hpp"

namespace berth::server {

namespace {

constexpr int exit_problems = 2;

std::vector<std::filesystem::path> files_of(const ExportsOptions& options) {
    auto files = options.files.empty() ? system_exports_files() : options.files;
    if (files.empty()) throw UsageError("there is no /etc/exports; name a file");
    return files;
}

void print(std::FILE* to, const std::string& line) {
    std::fputs((line + "\n").c_str(), to);
}

/// A path as exports(5) takes it.
std::string escaped(std::string_view path) {
    std::string text;
    for (const char c : path) {
        const auto value = static_cast<unsigned char>(c);
        const bool is_plain = value > ' ' && value != 0x7F && c != '"' && c != '\\';
        if (is_plain) {
            text += c;
            continue;
        }
        text += '\\';
        for (const auto shift : {6, 3, 0}) text += static_cast<char>('0' + (value >> shift & 7));
    }
    return text;
}

/// Why a directory of the file can't be exported; empty when it can.
std::string problem_of(const vfs::ListedExport& listed) {
    std::error_code error;
    const auto status = std::filesystem::status(listed.path, error);
    if (error) return error.message();
    return std::filesystem::is_directory(status) ? "" : "Not a directory";
}

void print_table(const vfs::ListedExport& listed) {
    std::string extra;
    if (listed.fsid) extra += ",fsid=" + listed.fsid->text;
    if (listed.mount_point) extra += ",mountpoint=" + escaped(*listed.mount_point);
    const vfs::ClientRules rules{listed.clients};
    for (const auto& rule : rules.all())
        print(stdout, escaped(listed.path) + " " + rule.client.text() + "(" + describe(rule) +
                          extra + ")  # " + rule.where.text());
}

/// What an entry of this kind gives way to, and what gives way to it.
std::string_view precedence(vfs::ClientKind kind) {
    switch (kind) {
    case vfs::ClientKind::host: return "it names the host itself, which no other kind outdoes";
    case vfs::ClientKind::network:
        return "it names the host's network; no entry names the host itself";
    case vfs::ClientKind::wildcard:
        return "its wildcard matches the host's name; no entry names the host or its network";
    case vfs::ClientKind::netgroup:
        return "the host is of this netgroup; no entry names the host, its network or its name";
    case vfs::ClientKind::everyone: break;
    }
    return "it is for everyone; no entry is more specific";
}

std::string squash_in_words(const vfs::ExportOptions& options) {
    const auto anonymous =
        std::to_string(options.anonymous_uid) + ":" + std::to_string(options.anonymous_gid);
    switch (options.squash) {
    case vfs::Squash::none: return "everybody acts as who they say (no_root_squash)";
    case vfs::Squash::root:
        return "root acts as " + anonymous + ", others as who they say (root_squash)";
    case vfs::Squash::all: break;
    }
    return "everybody acts as " + anonymous + " (all_squash)";
}

void print_map(std::string_view option, std::string_view what, const vfs::IdMap& map) {
    for (const auto& range : map.ranges())
        print(stdout, "    clients' " + std::string{what} + " " + std::to_string(range.first) +
                          " to " + std::to_string(range.last) + " are " +
                          std::to_string(range.server_first) + " to " +
                          std::to_string(range.server_last()) + " here (" + std::string{option} +
                          ")");
    if (!map.empty())
        print(stdout, "    all their other " + std::string{what} + " are anonymous here");
}

void print_grant(const std::string& who, const vfs::ExportOptions& options) {
    print(stdout, "  " + who + ":");
    print(stdout, options.read_only ? "    may read, and change nothing (ro)"
                                    : "    may read and write (rw)");
    print(stdout, "    " + squash_in_words(options));
    print(stdout, options.sync ? "    changes are on disk before the reply (sync)"
                               : "    changes may follow the reply to the disk (async)");
    print(stdout, options.secure ? "    only from ports below 1024 (secure)"
                                 : "    from any port (insecure)");
    if (!options.lists_attributes)
        print(stdout, "    directories are listed without attributes (nordirplus)");
    print_map("map-uid", "uids", options.users);
    print_map("map-gid", "gids", options.groups);
}

void print_decision(const vfs::Export& exported, const vfs::ClientRule& rule) {
    print(stdout, "  " + rule.where.text() + ": " + exported.path + " " + rule.client.text() +
                      " decides: " + std::string{precedence(rule.client.kind)});
    if (rule.sys) print_grant("callers with a user (sec=sys)", *rule.sys);
    if (!rule.sys) print(stdout, "  callers with a user (sec=sys): turned away");
    if (rule.none) {
        auto options = *rule.none;
        options.squash = vfs::Squash::all;
        print_grant("callers without one (sec=none)", options);
    } else {
        print(stdout, "  callers without one (sec=none): turned away");
    }
}

/// As a server has them. Those that the path may lead through are open, with what is mounted there.
vfs::Nested exports_along(const std::vector<vfs::ListedExport>& listed, const std::string& path) {
    const auto wanted = vfs::normalised(path).value_or("");
    std::vector<vfs::Export> exports;
    exports.reserve(listed.size());
    for (const auto& one : listed) {
        std::shared_ptr<vfs::FileSystem> files;
        if (wanted.starts_with(one.path))
            if (auto opened = vfs::posix::open(one.path)) files = std::move(*opened);
        exports.push_back(vfs::make_export(one.path, std::move(files), one.clients, one.fsid));
    }
    return vfs::find_nested(std::move(exports), {});
}

/// The first mount point on the way from the root of an export, which is no part of it then; empty
/// when there is none.
std::string mount_point_in(const vfs::ExportMatch& match) {
    auto path = match.found->path == "/" ? "" : match.found->path;
    for (std::string_view way = match.rest; !way.empty();) {
        const auto name = way.substr(0, way.find('/'));
        way.remove_prefix(std::min(name.size() + 1, way.size()));
        path += "/" + std::string{name};
        if (is_mount_point(path)) return path;
    }
    return "";
}

bool crosses_mounts(const vfs::ClientRule& rule) {
    return (rule.sys ? rule.sys : rule.none)->crosses_mounts;
}

class Explanation {
public:
    Explanation(vfs::Nested found, const ExportsOptions& options)
        : options_(options),
          hidden_(std::move(found.hidden)),
          exports_(std::move(found.exports), &hosts_, {}) {}

    /// Of all addresses that the client goes by. Whether one of them can mount.
    bool print_all() {
        const auto numeric = vfs::ClientAddress::parse(options_.client);
        const auto addresses =
            numeric ? std::vector{*numeric} : hosts_.addresses(options_.client).found;
        if (addresses.empty())
            throw UsageError("'" + options_.client +
                             "' is no address, and no name that leads to one");
        bool is_any_good = false;
        for (const auto& address : addresses) is_any_good |= print_one(address);
        return is_any_good;
    }

private:
    bool print_one(const vfs::ClientAddress& client) {
        std::string known_as;
        for (const auto& name : hosts_.names(client).found)
            known_as += (known_as.empty() ? ", known as " : ", ") + name;
        print(stdout, "client " + client.text() + known_as);
        static_cast<void>(exports_.learn(client));
        const auto table = exports_.pin();
        const auto matches = table->matches(options_.path);
        for (const auto& match : matches) {
            // A port that every entry takes: whether it has to be low is said below.
            const auto rule = table->admit(*match.found, {.client = client, .port = 1});
            if (rule) {
                print_decision(*match.found, **rule);
                return print_path(match, **rule);
            }
            if (rule.error() == vfs::Refusal::unknown) {
                print(stdout, "  " + match.found->path +
                                  ": has entries with names, and nobody could be asked who this "
                                  "client is; a mount waits until somebody can");
                return false;
            }
            if (match.found->is_nested) continue;  // what it is part of has the same entries
            print(stdout, "  " + match.found->path + ": no entry means this client");
            for (const auto& entry : match.found->clients.all())
                print(stdout, "    " + entry.where.text() + ": not " + entry.client.text());
        }
        if (matches.empty()) print(stdout, "  " + options_.path + ": not below any export");
        print(stdout, "  a mount fails: access denied");
        return false;
    }

    [[nodiscard]] bool print_path(const vfs::ExportMatch& match,
                                  const vfs::ClientRule& rule) const {
        if (match.found->is_nested)
            print(stdout, "  " + match.found->path +
                              ": what is mounted here is part of the export (crossmnt)");
        const auto problem = problem_on_the_way(match, rule);
        if (!problem.empty()) print(stdout, "  a mount fails: " + problem);
        return problem.empty();
    }

    [[nodiscard]] std::string problem_on_the_way(const vfs::ExportMatch& match,
                                                 const vfs::ClientRule& rule) const {
        if (const auto point = mount_point_in(match); !point.empty()) {
            const auto line = point + ": what is mounted here stays hidden";
            if (!crosses_mounts(rule)) return line + ": the entry has no crossmnt";
            const auto told = std::ranges::find_if(
                hidden_, [&](const std::string& one) { return one.starts_with(line); });
            return told == hidden_.end() ? line : *told;
        }
        std::error_code error;
        const auto status = std::filesystem::status(options_.path, error);
        if (error) return options_.path + ": " + error.message();
        return std::filesystem::is_directory(status) ? "" : options_.path + ": Not a directory";
    }

    const ExportsOptions& options_;
    const std::vector<std::string> hidden_;
    SystemHosts hosts_;
    vfs::Exports exports_;
};

}  // namespace

int check_exports(const ExportsOptions& options) {
    auto list = list_exports(files_of(options));
    for (const auto& listed : list.exports)
        if (auto what = problem_of(listed); !what.empty())
            list.problems.push_back({listed.where, listed.path, std::move(what)});
    for (const auto& problem : list.problems) print(stderr, problem.text());
    if (!list.problems.empty()) return exit_problems;
    for (const auto& listed : list.exports) {
        if (listed.mount_point && !is_mount_point(*listed.mount_point))
            print(stdout, "# " + listed.where.text() +
                              ": not exported until something is mounted at " +
                              *listed.mount_point);
        print_table(listed);
    }
    return EXIT_SUCCESS;
}

int explain_exports(const ExportsOptions& options) {
    const auto listed = read_exports(files_of(options));
    return Explanation{exports_along(listed, options.path), options}.print_all() ? EXIT_SUCCESS
                                                                                 : EXIT_FAILURE;
}

}  // namespace berth::server
