#include "server/exports_command.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include <boost/filesystem/operations.hpp>
#include <boost/filesystem/path.hpp>

#include "nfs/exports/exports.hpp"
#include "nfs/exports/nested.hpp"
#include "nfs/exports/reasons.hpp"
#include "nfs/vfs/posix.hpp"
#include "server/exports_files.hpp"
#include "server/input_file.hpp"
#include "server/name_check.hpp"
#include "server/printable.hpp"
#include "server/system_hosts.hpp"

namespace berth::server {

namespace {

namespace reasons = exports::reasons;

constexpr int exit_problems = 2;

std::vector<boost::filesystem::path> files_of(const ExportsOptions& options) {
    auto files = options.files.empty() ? system_exports_files() : options.files;
    if (files.empty())
        throw UsageError("there is no /etc/exports, and nothing in /etc/exports.d; name a file");
    return files;
}

void print(std::FILE* to, const std::string& line) {
    std::fputs((printable(line) + "\n").c_str(), to);
}

/// A path in the syntax of exports(5).
std::string escaped(std::string_view path) {
    constexpr std::string_view special = " \"\\";
    std::string text;
    while (!path.empty()) {
        const auto character = first_character(path);
        const auto bytes = path.substr(0, character.bytes);
        path.remove_prefix(character.bytes);
        if (character.is_printable && special.find(bytes) == std::string_view::npos) {
            text += bytes;
            continue;
        }
        for (const char c : bytes) {
            const auto value = static_cast<unsigned char>(c);
            text += '\\';
            for (const auto shift : {6, 3, 0})
                text += static_cast<char>('0' + (value >> shift & 7));
        }
    }
    return text;
}

/// Why a directory of the file can't be exported; empty if it can.
std::string problem_of(const exports::ListedExport& listed) {
    boost::system::error_code error;
    const auto status = boost::filesystem::status(listed.path, error);
    if (error) return error.message();
    return boost::filesystem::is_directory(status) ? "" : "Not a directory";
}

void tell_unknown_names(const std::vector<exports::ListedExport>& list) {
    std::vector<exports::ClientRule> rules;
    for (const auto& listed : list)
        rules.insert(rules.end(), listed.clients.begin(), listed.clients.end());
    SystemHosts hosts;
    server::tell_unknown_names(rules, hosts, {});
}

void sort_by_place(std::vector<exports::Problem>& problems,
                   const std::vector<boost::filesystem::path>& files) {
    const auto place = [&](const exports::Problem& problem) {
        const auto file = std::ranges::find(files, problem.where.file,
                                            [](const auto& path) { return name_of(path); });
        return std::tuple{file - files.begin(), problem.where.line, problem.where.column};
    };
    std::ranges::stable_sort(problems, {}, place);
}

void print_table(const exports::ListedExport& listed) {
    std::string extra;
    if (listed.fsid) extra += ",fsid=" + listed.fsid->text;
    if (listed.mount_point) extra += ",mountpoint=" + escaped(*listed.mount_point);
    const exports::ClientRules rules{listed.clients};
    for (const auto& rule : rules.all())
        print(stdout, escaped(listed.path) + " " + rule.client.text() + "(" + describe(rule) +
                          extra + ")  # " + rule.where.text());
}

/// How entries of this kind rank against other kinds.
std::string_view precedence(exports::ClientKind kind) {
    switch (kind) {
    case exports::ClientKind::host: return "it names the host itself, which no other kind outdoes";
    case exports::ClientKind::network:
        return "it names the host's network; no entry names the host itself";
    case exports::ClientKind::wildcard:
        return "its wildcard matches the host's name; no entry names the host or its network";
    case exports::ClientKind::netgroup:
        return "the host is of this netgroup; no entry names the host, its network or its name";
    case exports::ClientKind::everyone: break;
    }
    return "it is for everyone; no entry is more specific";
}

std::string squash_in_words(const exports::Options& options) {
    const auto anonymous =
        std::to_string(options.anonymous_uid) + ":" + std::to_string(options.anonymous_gid);
    switch (options.squash) {
    case exports::Squash::none: return "all callers keep their identity (no_root_squash)";
    case exports::Squash::root:
        return "root acts as " + anonymous + ", others as who they say (root_squash)";
    case exports::Squash::all: break;
    }
    return "everybody acts as " + anonymous + " (all_squash)";
}

void print_map(std::string_view option, std::string_view what, const exports::IdMap& map) {
    for (const auto& range : map.ranges())
        print(stdout, "    clients' " + std::string{what} + " " + std::to_string(range.first) +
                          " to " + std::to_string(range.last) + " are " +
                          std::to_string(range.server_first) + " to " +
                          std::to_string(range.server_last()) + " here (" + std::string{option} +
                          ")");
    if (!map.empty())
        print(stdout, "    all their other " + std::string{what} + " are anonymous here");
}

void print_grant(const std::string& who, const exports::Options& options) {
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

void print_decision(const exports::Export& exported, const exports::ClientRule& rule) {
    print(stdout, "  " + rule.where.text() + ": " + exported.path + " " + rule.client.text() +
                      " decides: " + std::string{precedence(rule.client.kind)});
    if (rule.sys) print_grant("callers with a user (sec=sys)", *rule.sys);
    if (!rule.sys) print(stdout, "  callers with a user (sec=sys): turned away");
    if (rule.none) {
        auto options = *rule.none;
        options.squash = exports::Squash::all;
        print_grant("callers without one (sec=none)", options);
    } else {
        print(stdout, "  callers without one (sec=none): turned away");
    }
}

/// Exports as a server has them. Opens those that the path may lead through, and their mounts.
exports::Nested exports_along(const std::vector<exports::ListedExport>& listed,
                              const std::string& path) {
    const auto wanted = exports::normalised(path).value_or("");
    std::vector<exports::Export> exports;
    exports.reserve(listed.size());
    for (const auto& one : listed) {
        std::shared_ptr<vfs::FileSystem> files;
        if (wanted.starts_with(one.path))
            if (auto opened = vfs::posix::open(one.path)) files = std::move(*opened);
        exports.push_back(exports::make_export(one.path, std::move(files), one.clients, one.fsid));
    }
    return exports::find_nested(std::move(exports), {});
}

bool crosses_mounts(const exports::ClientRule& rule) {
    return (rule.sys ? rule.sys : rule.none)->crosses_mounts;
}

class Explanation {
public:
    Explanation(exports::Nested found, const ExportsOptions& options)
        : options_(options),
          hidden_(std::move(found.hidden)),
          exports_(std::move(found.exports), &hosts_, {}) {}

    /// Prints all addresses of the client. True: one of them can mount.
    bool print_all() {
        const auto numeric = exports::ClientAddress::parse(options_.client);
        const auto addresses =
            numeric ? std::vector{*numeric} : hosts_.addresses(options_.client).found;
        if (addresses.empty())
            throw UsageError("'" + options_.client +
                             "' is no address, and no name that leads to one");
        bool is_any_good = false;
        for (const auto& address : addresses) is_any_good |= print_one(address, options_.path, 0);
        return is_any_good;
    }

private:
    /// `links`: how many symbolic links have led to this path.
    bool print_one(const exports::ClientAddress& client, const std::string& path, int links) {
        std::string known_as;
        for (const auto& name : hosts_.names(client).found)
            known_as += (known_as.empty() ? ", known as " : ", ") + name;
        if (links == 0) print(stdout, "client " + client.text() + known_as);
        static_cast<void>(exports_.learn(client));
        const auto table = exports_.pin();
        if (!exports::normalised(path)) {
            print(stdout, "  a mount fails: " + std::string{reasons::no_path});
            return false;
        }
        const auto matches = table->matches(path);
        for (const auto& match : matches) {
            // Port 1 satisfies every entry; whether a low port is required is printed below.
            const auto rule = table->admit(*match.found, {.client = client, .port = 1});
            if (rule) {
                print_decision(*match.found, **rule);
                return print_path(match, **rule, path) && goes_on(client, path, links);
            }
            if (rule.error() == exports::Refusal::unknown) {
                print(stdout, "  " + match.found->path + ": " + std::string{reasons::unknown} +
                                  "; a mount waits until it does");
                return false;
            }
            if (match.found->is_nested) continue;  // its outer export has the same entries
            print(stdout, "  " + match.found->path + ": " + std::string{reasons::no_entry});
            for (const auto& entry : match.found->clients.all())
                print(stdout, "    " + entry.where.text() + ": not " + entry.client.text());
        }
        if (matches.empty()) print(stdout, "  " + path + ": " + std::string{reasons::not_exported});
        print(stdout, "  a mount fails: access denied");
        return false;
    }

    /// Where links in the path lead elsewhere: what the client may do there.
    bool goes_on(const exports::ClientAddress& client, const std::string& path, int links) {
        constexpr int links_max = 40;
        boost::system::error_code error;
        const auto end = boost::filesystem::canonical(path, error).string();
        if (error || end == exports::normalised(path) || links == links_max) return true;
        print(stdout, "  " + path + ": it leads to " + end);
        return print_one(client, end, links + 1);
    }

    [[nodiscard]] bool print_path(const exports::Match& match, const exports::ClientRule& rule,
                                  const std::string& path) const {
        if (match.found->is_nested)
            print(stdout, "  " + match.found->path +
                              ": what is mounted here is part of the export (crossmnt)");
        const auto problem = problem_on_the_way(match, rule, path);
        if (!problem.empty()) print(stdout, "  a mount fails: " + problem);
        return problem.empty();
    }

    [[nodiscard]] std::string problem_on_the_way(const exports::Match& match,
                                                 const exports::ClientRule& rule,
                                                 const std::string& path) const {
        if (const auto point = reasons::mount_point_in(match); !point.empty()) {
            const auto line = point + ": " + std::string{reasons::hidden_mount};
            if (!crosses_mounts(rule)) return line + ": the entry has no crossmnt";
            const auto told = std::ranges::find_if(
                hidden_, [&](const std::string& one) { return one.starts_with(line); });
            return told == hidden_.end() ? line : *told;
        }
        boost::system::error_code error;
        const auto status = boost::filesystem::status(path, error);
        if (error) return path + ": " + error.message();
        return boost::filesystem::is_directory(status) ? "" : path + ": Not a directory";
    }

    const ExportsOptions& options_;
    const std::vector<std::string> hidden_;
    SystemHosts hosts_;
    exports::Exports exports_;
};

}  // namespace

int check_exports(const ExportsOptions& options) {
    const auto files = files_of(options);
    auto list = list_exports(files, Reading::at_start);
    for (const auto& listed : list.exports)
        if (auto what = problem_of(listed); !what.empty())
            list.problems.push_back({listed.where, listed.path, std::move(what)});
    sort_by_place(list.problems, files);
    for (const auto& problem : list.problems) print(stderr, problem.text());
    if (!list.problems.empty()) return exit_problems;
    if (list.exports.empty()) {
        print(stderr,
              "berth: " + name_of(files.front()) + ": no entries; nothing would be exported");
        return EXIT_FAILURE;
    }
    tell_unknown_names(list.exports);
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
    const auto listed = read_exports(files_of(options), Reading::at_start);
    return Explanation{exports_along(listed, options.path), options}.print_all() ? EXIT_SUCCESS
                                                                                 : EXIT_FAILURE;
}

}  // namespace berth::server
