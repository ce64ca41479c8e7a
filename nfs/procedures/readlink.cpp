// READLINK: reads the text of a symbolic link (RFC 1813 §3.3.5).
#include "nfs/service.hpp"
#include "nfs/status.hpp"

namespace berth::nfs {

ReadLink::Result Service::read_link(rpc::Call& call, const ReadLink::Args& args) {
    const auto link = open(call, args.link);
    if (!link) return {fail(call, link.error()), {}};
    const auto text = link->node->read_link(link->caller);
    if (!text) return {fail(call, text.error()), {link->attributes()}};
    return ReadLink::Ok{.attributes = link->attributes(), .target = Path{call.memory.copy(*text)}};
}

}  // namespace berth::nfs
