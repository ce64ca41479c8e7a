// MKDIR: creates directories (RFC 1813 §3.3.9).
#include "nfs/procedures/making.hpp"

namespace berth::nfs {

MakeDirectory::Result Service::make_directory(rpc::Call& call, const MakeDirectory::Args& args) {
    return make(call, args.where,
                [&](const Target& directory, std::string_view name) -> vfs::Result<vfs::NodePtr> {
                    auto wanted = of_new(directory, args.attributes);
                    if (!wanted) return wanted.error();
                    wanted->size.reset();
                    return directory.node->make_directory(directory.caller, name, *wanted);
                });
}

}  // namespace berth::nfs
