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

}  // namespace

boost::system::result<Found, Status> find(const vfs::Exports& exports,
                                          const vfs::HandleSealer& sealer, std::string_view path) {
    if (path.size() > path_bytes_max) return Status::name_too_long;
    const auto match = exports.match(path);
    if (!match) return Status::access_denied;
    const auto& root = *match->found;
    const auto node = walk(*root.files, match->rest);
    if (!node) return node.error();
    return Found{sealer.seal(root.id, (*node)->id()), *vfs::normalised(path)};
}

}  // namespace berth::mount
