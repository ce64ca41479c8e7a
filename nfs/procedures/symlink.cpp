// SYMLINK: creates symbolic links (RFC 1813 §3.3.10).
#include <string_view>

#include "nfs/procedures/making.hpp"

namespace berth::nfs {

MakeSymbolicLink::Result Service::make_symbolic_link(rpc::Call& call,
                                                     const MakeSymbolicLink::Args& args) {
    return make(call, args.where,
                [&](const Target& directory, std::string_view name) -> vfs::Result<vfs::NodePtr> {
                    const auto wanted = of_new(directory, args.attributes);
                    if (!wanted) return wanted.error();
                    if (args.target.view().find('\0') != std::string_view::npos)
                        return std::errc::permission_denied;
                    return directory.node->make_symbolic_link(directory.caller, name, args.target,
                                                              *wanted);
                });
}

}  // namespace berth::nfs
