#include "mount/find.hpp"

#include <algorithm>
#include <optional>
#include <system_error>
#include <utility>

#include "mount/way.hpp"
#include "nfs/exports/places.hpp"
#include "nfs/exports/reasons.hpp"
#include "rpc/text/quoted.hpp"

namespace berth::mount {
namespace {

namespace reasons = exports::reasons;

/// Where a walk ended: at a directory, or at a symbolic link, the name at `index`.
struct Walked {
    vfs::NodePtr node;
    std::optional<std::string> link;
    std::size_t index = 0;
};

vfs::Result<Walked> walk(vfs::FileSystem& files, std::string_view rest) {
    const vfs::Caller server{.identity = {}, .patience = vfs::Patience::ample};
    auto node = files.root();
    if (!node) return node.error();
    for (std::size_t index = 0; !rest.empty(); ++index) {
        const auto name = rest.substr(0, rest.find('/'));
        rest.remove_prefix(std::min(name.size() + 1, rest.size()));
        node = (*node)->lookup(server, name);
        if (!node) return node.error();
        auto link = (*node)->read_link(server);
        if (link) return Walked{.node = {}, .link = *std::move(link), .index = index};
        const bool is_link = link.error() != std::errc::invalid_argument;
        if (is_link) return link.error();
    }
    const auto attributes = (*node)->attributes(vfs::Patience::ample);
    if (!attributes) return attributes.error();
    if (attributes->type != vfs::FileType::directory) return std::errc::not_a_directory;
    return Walked{.node = *std::move(node), .link = {}};
}

Refusal refusal_without_entry(const exports::Table& exports,
                              const std::vector<exports::Match>& matches) {
    Refusal refusal{.status = Status::access_denied,
                    .why = Refusal::Why::not_exported,
                    .way = {},
                    .entry = {},
                    .detail = {}};
    // A file system that is mounted in an export has the export's entries.
    const auto listed = std::ranges::find_if(
        matches, [](const exports::Match& match) { return !match.found->is_nested; });
    if (listed != matches.end()) {
        refusal.why = Refusal::Why::unlisted;
        refusal.detail = reasons::way_to_allow(*listed->found);
    } else if (const auto paths = reasons::paths_of(exports); paths.empty()) {
        refusal.detail = "nothing is exported";
    } else {
        refusal.detail = "exported: " + paths;
    }
    return refusal;
}

/// `refused`: what an export says that has an entry which is, or may be, for the client.
Refusal refusal_by(const exports::Table& exports, const exports::Export& exported,
                   const exports::CallOrigin& from, exports::Refusal refused) {
    if (refused == exports::Refusal::unknown)
        return {.status = Status::later,
                .why = Refusal::Why::unknown_client,
                .way = {},
                .entry = {},
                .detail = exported.path + " " + std::string{reasons::unknown}};
    // Port 1 satisfies every entry.
    const auto rule = exports.admit(exported, {.client = from.client, .port = 1});
    return {.status = Status::not_permitted,
            .why = Refusal::Why::insecure_port,
            .way = {},
            .entry = rule ? reasons::entry(exported, **rule) : exported.path,
            .detail = {}};
}

/// The exports' answer to this client about the path. For a client that an entry with a name may
/// match, it is asked for again once the client is known.
struct Entrance {
    exports::Match match;
    const exports::ClientRule* rule = nullptr;
};
boost::system::result<Entrance, Refusal>
entrance(const exports::Table& exports, const exports::CallOrigin& from, std::string_view path) {
    auto matches = exports.matches(path);
    for (auto& match : matches) {
        const auto rule = exports.admit(*match.found, from);
        if (rule) return Entrance{std::move(match), *rule};
        if (rule.error() != exports::Refusal::unlisted)
            return refusal_by(exports, *match.found, from, rule.error());
    }
    return refusal_without_entry(exports, matches);
}

Refusal malformed(Status status, std::string_view detail) {
    return {.status = status,
            .why = Refusal::Why::malformed,
            .way = {},
            .entry = {},
            .detail = std::string{detail}};
}

std::size_t names_in(std::string_view rest) {
    return rest.empty() ? 0 : static_cast<std::size_t>(std::ranges::count(rest, '/')) + 1;
}

/// The way of one client, from export to export.
class Finder {
public:
    Finder(const Places& places, const exports::CallOrigin& from) : places_(places), from_(from) {}

    boost::system::result<Found, Refusal> find(std::string_view path) {
        Way way{path};
        asked_ = "/" + way.head();
        // The kernel's limit. Every ".." in links counts too, so that no client's links can make
        // this take long.
        constexpr int links_max = 40;
        constexpr int rounds_max = 256;
        int links = 0;
        for (int round = 0; round < rounds_max; ++round) {
            auto walked = enter(way);
            if (walked && walked->link) {
                const auto before = way.names_in_head() - names_in(entered_->match.rest);
                if (++links > links_max) break;
                if (!way.follow(before + walked->index, *walked->link))
                    return unusable(std::errc::filename_too_long);
            } else if (way.goes_up() && (walked || !entered_)) {
                // Outside of all exports no file is looked at, so a ".." there is resolved
                // textually.
                way.go_up();
            } else if (!walked) {
                return with_way(walked.error(), way);
            } else {
                return found(*walked->node);
            }
        }
        return unusable(std::errc::too_many_symbolic_link_levels);
    }

private:
    /// Enters the longest matching export that is for this client.
    boost::system::result<Walked, Refusal> enter(const Way& way) {
        const auto path = "/" + way.head();
        auto outcome = admit(path);
        if (outcome && places_.renew) {
            const auto exported = entered_->match.found->path;
            entry_ = entry();
            table_ = {};  // unpins the table, so that waiting does not keep old tables alive
            const auto renewed = places_.renew(exported);
            if (!renewed) return unusable(renewed.error());
            outcome = admit(path);
        }
        if (!outcome) return std::move(outcome).error();
        entry_ = entry();
        auto walked = walk(*entered_->match.found->files, entered_->match.rest);
        if (walked) return *std::move(walked);
        return walked.error() == std::errc::permission_denied ? refusal_on_the_way()
                                                              : unusable(walked.error());
    }

    boost::system::result<void, Refusal> admit(const std::string& path) {
        entered_.reset();
        table_ = places_.exports.pin();
        auto entered = entrance(*table_, from_, path);
        if (!entered && entered.error().why == Refusal::Why::unknown_client) {
            table_ = {};
            // If the attempt fails, the code below reports that.
            static_cast<void>(places_.exports.learn(from_.client));
            table_ = places_.exports.pin();
            entered = entrance(*table_, from_, path);
        }
        if (!entered) return std::move(entered).error();
        entered_ = *std::move(entered);
        return {};
    }

    [[nodiscard]] std::string entry() const {
        return reasons::entry(*entered_->match.found, *entered_->rule);
    }

    [[nodiscard]] Refusal unusable(std::errc error) const {
        return {.status = to_status(error),
                .why = Refusal::Why::unusable,
                .way = {},
                .entry = entry_,
                .detail = std::make_error_code(error).message()};
    }

    // Where something is mounted that the export does not contain, the file system says no more
    // than that.
    [[nodiscard]] Refusal refusal_on_the_way() const {
        auto refusal = unusable(std::errc::permission_denied);
        const auto point = reasons::mount_point_in(entered_->match);
        if (point.empty()) {
            refusal.detail += " for berth itself, or it is berth's state directory";
            return refusal;
        }
        const auto& options = entered_->rule->sys ? entered_->rule->sys : entered_->rule->none;
        refusal.why = Refusal::Why::hidden;
        refusal.detail = point + ": " + std::string{reasons::hidden_mount};
        refusal.detail += options->crosses_mounts ? "; 'berth exports explain' says why"
                                                  : ": the entry " + entry_ + " has no crossmnt";
        return refusal;
    }

    [[nodiscard]] Refusal with_way(Refusal refusal, const Way& way) const {
        if (const auto now = "/" + way.head(); now != asked_)
            refusal.way = fmt::format("it leads to {}: ", text::Word{now});
        return refusal;
    }

    [[nodiscard]] Found found(const vfs::Node& directory) const {
        const auto& root = *entered_->match.found;
        return {.handle = places_.sealer.seal(root.id, directory.id(), directory.way()),
                .path = {},
                .entry = entry_,
                .flavors = entered_->rule->offered,
                .limits = root.files->limits()};
    }

    const Places& places_;
    const exports::CallOrigin& from_;
    std::string asked_;
    std::string entry_;  // that decided last, in words
    exports::Exports::Pin table_;
    std::optional<Entrance> entered_;  // what it points to lies in the table
};

}  // namespace

boost::system::result<Found, Refusal> find(const Places& places, const exports::CallOrigin& from,
                                           std::string_view path) {
    if (path.size() > path_bytes_max)
        return malformed(Status::name_too_long, "a path longer than 1024 bytes");
    auto asked = exports::normalised(path);
    if (!asked) return malformed(Status::access_denied, reasons::no_path);
    auto found = Finder{places, from}.find(*asked);
    if (found) found->path = *std::move(asked);
    return found;
}

std::uint64_t place_of(const Places& places, std::string_view path) {
    const auto exports = places.exports.pin(&path);
    const auto matches = exports->matches(path);
    return matches.empty() ? 0 : exports::place_of(matches.front().found->id);
}

}  // namespace berth::mount
