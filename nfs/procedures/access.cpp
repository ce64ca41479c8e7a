// ACCESS: checks what the caller may do with an object (RFC 1813 §3.3.4).
#include <array>
#include <cstdint>

#include "nfs/service.hpp"
#include "nfs/status.hpp"

namespace berth::nfs {

namespace {

/// The permission behind each ACCESS bit, by kind of object (RFC 1813 §3.3.4). Rights that make no
/// sense for a kind are never granted.
struct Right {
    std::uint32_t bit;
    std::uint8_t permission;
    bool of_directories;
    bool of_others;
    bool changes;
};
constexpr std::array rights{
    Right{access_read, vfs::may_read, true, true, false},
    Right{access_lookup, vfs::may_execute, true, false, false},
    Right{access_modify, vfs::may_write, true, true, true},
    Right{access_extend, vfs::may_write, true, true, true},
    Right{access_delete, vfs::may_write, true, false, true},
    Right{access_execute, vfs::may_execute, false, true, false},
};

}  // namespace

Access::Result Service::access(rpc::Call& call, const Access::Args& args) {
    const auto target = open(call, args.object);
    if (!target) return {fail(call, target.error()), {}};
    const auto attributes = target->node->attributes(target->caller.patience);
    if (!attributes) return {fail(call, attributes.error()), {}};
    const bool is_directory = attributes->type == vfs::FileType::directory;

    const auto is_askable = [&](const Right& right) {
        return (args.access & right.bit) != 0 &&
               (is_directory ? right.of_directories : right.of_others) &&
               !(right.changes && target->is_read_only());
    };
    std::uint8_t asked = 0;
    for (const auto& right : rights)
        if (is_askable(right)) asked |= right.permission;
    const auto granted = target->node->access(target->caller, asked, &*attributes);
    if (!granted) return {fail(call, granted.error()), {target->shown(*attributes)}};

    std::uint32_t answer = 0;
    for (const auto& right : rights)
        if (is_askable(right) && (*granted & right.permission) != 0) answer |= right.bit;
    return Access::Ok{target->shown(*attributes), answer};
}

}  // namespace berth::nfs
