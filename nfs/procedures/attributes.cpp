// GETATTR, SETATTR, ACCESS: what an object is and who may do what.
#include "nfs/attributes.hpp"

#include "nfs/service.hpp"
#include "nfs/status.hpp"
#include "nfs/wcc.hpp"

namespace berth::nfs {

namespace {

/// The permissions that an ACCESS answer follows from, by kind of object (RFC 1813 §3.3.4). Rights
/// that make no sense for a kind are never given.
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

/// Whether the object is as the client knows it. No finer than the file system keeps times: what
/// it told while it had the object in memory may be cut off when it is read again. Everything that
/// is kept counts, as for knfsd since Linux 6.9; a client that cuts times off itself is refused.
bool is_in_step(const Target& target, const Time& guard, const vfs::Attributes& now) {
    const auto granularity = target.exported->files->limits().time_granularity;
    return is_same(to_wire(now.changed), guard, granularity);
}

}  // namespace

GetAttributes::Result Service::get_attributes(rpc::Call& call, const GetAttributes::Args& args) {
    const auto target = open(call, args.object);
    if (!target) return {fail(call, target.error()), {}};
    const auto attributes = target->node->attributes(target->caller.wait);
    if (!attributes) return {fail(call, attributes.error()), {}};
    return GetAttributes::Ok{target->shown(*attributes)};
}

SetAttributes::Result Service::set_attributes(rpc::Call& call, const SetAttributes::Args& args) {
    const auto target = open_to_change(call, args.object);
    if (!target) return {fail(call, target.error()), {}};
    if (target->is_read_only()) return {Status::read_only, {target->unchanged()}};
    auto wanted = from_wire(args.attributes);
    if (!wanted) return {fail(call, wanted.error()), {target->unchanged()}};
    if (!vfs::map_owners(*target->options, *wanted))
        return {Status::invalid, {target->unchanged()}};

    WccRecorder wcc{*target};
    if (!wcc.before()) return {fail(call, wcc.before().error()), {wcc.finish()}};
    if (args.guard && !is_in_step(*target, *args.guard, *wcc.before()))
        return {Status::not_sync, {wcc.finish()}};
    const auto done = target->node->set_attributes(target->caller, *wanted, &*wcc.before());
    auto object = wcc.finish();
    if (!done) return {fail(call, done.error()), {std::move(object)}};
    if (const auto durable = target->sync_if_promised(); !durable)
        return {fail_after_change(durable.error()), {std::move(object)}};
    return SetAttributes::Ok{std::move(object)};
}

Access::Result Service::access(rpc::Call& call, const Access::Args& args) {
    const auto target = open(call, args.object);
    if (!target) return {fail(call, target.error()), {}};
    const auto attributes = target->node->attributes(target->caller.wait);
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
