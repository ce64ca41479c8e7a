#include "mount/find.hpp"

#include <algorithm>
#include <optional>
#include <system_error>
#include <utility>

#include "mount/way.hpp"
#include "nfs/exports/places.hpp"

namespace berth::mount {
namespace {

Status to_status(std::errc error) {
    if (error == vfs::stale) return Status::no_entry;
    switch (error) {
    case std::errc::no_such_file_or_directory: return Status::no_entry;
    case std::errc::permission_denied: return Status::access_denied;
    case std::errc::operation_not_permitted: return Status::not_permitted;
    case std::errc::not_a_directory:
    case std::errc::too_many_symbolic_link_levels: return Status::not_a_directory;
    case std::errc::filename_too_long: return Status::name_too_long;
    case std::errc::io_error: return Status::io_error;
    default: return Status::server_fault;
    }
}

/// Where a walk ended: at a directory, or at a symbolic link, the name at `index`.
struct Walked {
    vfs::NodePtr node;
    std::optional<std::string> link;
    std::size_t index = 0;
};

boost::system::result<Walked, Status> walk(vfs::FileSystem& files, std::string_view rest) {
    const vfs::Caller server{.identity = {}, .wait = vfs::Wait::yes};
    auto node = files.root();
    if (!node) return to_status(node.error());
    for (std::size_t index = 0; !rest.empty(); ++index) {
        const auto name = rest.substr(0, rest.find('/'));
        rest.remove_prefix(std::min(name.size() + 1, rest.size()));
        node = (*node)->lookup(server, name);
        if (!node) return to_status(node.error());
        auto link = (*node)->read_link(server);
        if (link) return Walked{.node = {}, .link = *std::move(link), .index = index};
        const bool is_link = link.error() != std::errc::invalid_argument;
        if (is_link) return to_status(link.error());
    }
    const auto attributes = (*node)->attributes(vfs::Wait::yes);
    if (!attributes) return to_status(attributes.error());
    if (attributes->type != vfs::FileType::directory) return Status::not_a_directory;
    return Walked{.node = *std::move(node), .link = {}};
}

/// The exports' answer to this client about the path. For a client that an entry with a name may
/// match, it is asked for again once the client is known.
struct Entrance {
    exports::Match match;
    const exports::ClientRule* rule = nullptr;
};
boost::system::result<Entrance, exports::Refusal>
entrance(const exports::Table& exports, const exports::CallOrigin& from, std::string_view path) {
    for (auto& match : exports.matches(path)) {
        const auto rule = exports.admit(*match.found, from);
        if (rule) return Entrance{std::move(match), *rule};
        if (rule.error() != exports::Refusal::unlisted) return rule.error();
    }
    return exports::Refusal::unlisted;
}

Status to_status(exports::Refusal refusal) {
    switch (refusal) {
    case exports::Refusal::insecure_port: return Status::not_permitted;
    case exports::Refusal::unknown: return Status::later;
    case exports::Refusal::unlisted: break;
    }
    return Status::access_denied;
}

std::size_t names_in(std::string_view rest) {
    return rest.empty() ? 0 : static_cast<std::size_t>(std::ranges::count(rest, '/')) + 1;
}

/// The way of one client, from export to export.
class Finder {
public:
    Finder(const Places& places, const exports::CallOrigin& from) : places_(places), from_(from) {}

    boost::system::result<Found, Status> find(std::string_view path) {
        Way way{path};
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
                    return Status::name_too_long;
            } else if (way.goes_up() && (walked || !entered_)) {
                // Outside of all exports no file is looked at, so a ".." there is resolved
                // textually.
                way.go_up();
            } else if (!walked) {
                return walked.error();
            } else {
                return found(*walked->node);
            }
        }
        return to_status(std::errc::too_many_symbolic_link_levels);
    }

private:
    /// Enters the longest matching export that is for this client.
    boost::system::result<Walked, Status> enter(const Way& way) {
        const auto path = "/" + way.head();
        auto outcome = admit(path);
        if (outcome && places_.renew) {
            const auto exported = entered_->match.found->path;
            table_ = {};  // unpins the table, so that waiting does not keep old tables alive
            const auto renewed = places_.renew(exported);
            if (!renewed) return to_status(renewed.error());
            outcome = admit(path);
        }
        if (!outcome) return outcome.error();
        return walk(*entered_->match.found->files, entered_->match.rest);
    }

    boost::system::result<void, Status> admit(const std::string& path) {
        entered_.reset();
        table_ = places_.exports.pin();
        auto entered = entrance(*table_, from_, path);
        if (!entered && entered.error() == exports::Refusal::unknown) {
            table_ = {};
            // If the attempt fails, the code below reports that.
            static_cast<void>(places_.exports.learn(from_.client));
            table_ = places_.exports.pin();
            entered = entrance(*table_, from_, path);
        }
        if (!entered) return to_status(entered.error());
        entered_ = *std::move(entered);
        return {};
    }

    [[nodiscard]] Found found(const vfs::Node& directory) const {
        const auto& root = *entered_->match.found;
        return {.handle = places_.sealer.seal(root.id, directory.id(), directory.way()),
                .path = {},
                .flavors = entered_->rule->offered,
                .limits = root.files->limits()};
    }

    const Places& places_;
    const exports::CallOrigin& from_;
    exports::Exports::Pin table_;
    std::optional<Entrance> entered_;  // what it points to lies in the table
};

}  // namespace

boost::system::result<Found, Status> find(const Places& places, const exports::CallOrigin& from,
                                          std::string_view path) {
    if (path.size() > path_bytes_max) return Status::name_too_long;
    auto asked = exports::normalised(path);
    if (!asked) return Status::access_denied;
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
