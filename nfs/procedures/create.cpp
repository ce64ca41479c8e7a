// CREATE: creates regular files (RFC 1813 §3.3.8).
#include "nfs/procedures/making.hpp"

namespace berth::nfs {

Create::Result Service::create(rpc::Call& call, const Create::Args& args) {
    return make(call, args.where,
                [&](const Target& directory, std::string_view name) -> vfs::Result<vfs::NodePtr> {
                    vfs::NewFile file;
                    if (const auto* verifier = args.how.get_if<CreateMode::exclusive>()) {
                        file.mode = vfs::CreateMode::exclusive;
                        file.verifier = *verifier;
                        return directory.node->create(directory.caller, name, file);
                    }
                    const bool is_guarded = args.how.discriminant() == CreateMode::guarded;
                    const auto wanted =
                        of_new(directory, is_guarded ? *args.how.get_if<CreateMode::guarded>()
                                                     : *args.how.get_if<CreateMode::unchecked>());
                    if (!wanted) return wanted.error();
                    file.mode = is_guarded ? vfs::CreateMode::guarded : vfs::CreateMode::unchecked;
                    file.attributes = *wanted;
                    return directory.node->create(directory.caller, name, file);
                });
}

}  // namespace berth::nfs
