// REMOVE: removes anything but directories (RFC 1813 §3.3.12).
#include "nfs/procedures/taking.hpp"

namespace berth::nfs {

Remove::Result Service::remove(rpc::Call& call, const Remove::Args& args) {
    return take_away(call, args.object, NameUse::remove,
                     [](const Target& directory, std::string_view name) {
                         return directory.node->remove(directory.caller, name);
                     });
}

}  // namespace berth::nfs
