// RMDIR: removes empty directories (RFC 1813 §3.3.13).
#include "nfs/procedures/taking.hpp"

namespace berth::nfs {

RemoveDirectory::Result Service::remove_directory(rpc::Call& call,
                                                  const RemoveDirectory::Args& args) {
    return take_away(call, args.object, NameUse::remove_directory,
                     [](const Target& directory, std::string_view name) {
                         return directory.node->remove_directory(directory.caller, name);
                     });
}

}  // namespace berth::nfs
