#include "mount/mounting.hpp"

#include <algorithm>
#include <system_error>

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

boost::system::result<vfs::NodePtr, Status> walk(vfs::FileSystem& files, std::string_view way) {
    const vfs::Caller server{.identity = {}, .wait = vfs::Wait::yes};
    auto node = files.root();
    if (!node) return to_status(node.error());
    while (!way.empty()) {
        const auto name = way.substr(0, way.find('/'));
        way.remove_prefix(std::min(name.size() + 1, way.size()));
        node = (*node)->lookup(server, name);
        if (!node) return to_status(node.error());
    }
    const auto attributes = (*node)->attributes(vfs::Wait::yes);
    if (!attributes) return to_status(attributes.error());
    if (attributes->type != vfs::FileType::directory) return Status::not_a_directory;
    return *node;
}

/// What the exports say to this client about the path; for a client that may be meant by a name,
/// once more when it is known who that is.
struct Entrance {
    vfs::ExportMatch match;
    const vfs::ClientRule* rule = nullptr;
};
boost::system::result<Entrance, vfs::Refusal>
entrance(const vfs::ExportTable& exports, const vfs::CallOrigin& from, std::string_view path) {
    for (auto& match : exports.matches(path)) {
        const auto rule = exports.admit(*match.found, from);
        if (rule) return Entrance{std::move(match), *rule};
        if (rule.error() != vfs::Refusal::unlisted) return rule.error();
    }
    return vfs::Refusal::unlisted;
}

Status to_status(vfs::Refusal refusal) {
    switch (refusal) {
    case vfs::Refusal::insecure_port: return Status::not_permitted;
    case vfs::Refusal::unknown: return Status::later;
    case vfs::Refusal::unlisted: break;
    }
    return Status::access_denied;
}

}  // namespace

boost::system::result<Found, Status> find(const vfs::Exports& exports,
                                          const vfs::HandleSealer& sealer,
                                          const vfs::CallOrigin& from, std::string_view path) {
    if (path.size() > path_bytes_max) return Status::name_too_long;
    auto table = exports.pin();
    auto entered = entrance(*table, from, path);
    if (!entered && entered.error() == vfs::Refusal::unknown) {
        table = {};
        static_cast<void>(exports.learn(from.client));  // if in vain, that is what is found below
        table = exports.pin();
        entered = entrance(*table, from, path);
    }
    if (!entered) return to_status(entered.error());
    const auto& root = *entered->match.found;
    const auto node = walk(*root.files, entered->match.rest);
    if (!node) return node.error();
    return Found{sealer.seal(root.id, (*node)->id(), (*node)->way()), *vfs::normalised(path),
                 entered->rule->offered, root.files->limits()};
}

}  // namespace berth::mount
