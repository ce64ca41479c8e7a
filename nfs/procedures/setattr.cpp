// SETATTR: sets an object's attributes (RFC 1813 §3.3.2).
#include "nfs/attributes.hpp"
#include "nfs/service.hpp"
#include "nfs/status.hpp"
#include "nfs/wcc.hpp"

namespace berth::nfs {

namespace {

/// Whether the object's ctime is the one that the client knows, to the granularity of the file
/// system: a finer time that it reported from memory may be truncated when it is read again.
/// Everything that is stored counts, as in knfsd since Linux 6.9; a client that truncates times
/// itself is refused.
bool is_in_step(const Target& target, const Time& guard, const vfs::Attributes& now) {
    const auto granularity = target.exported->files->limits().time_granularity;
    return is_same(to_wire(now.changed), guard, granularity);
}

}  // namespace

SetAttributes::Result Service::set_attributes(rpc::Call& call, const SetAttributes::Args& args) {
    const auto target = open_to_change(call, args.object);
    if (!target) return {fail(call, target.error()), {}};
    if (target->is_read_only()) return {Status::read_only, {target->unchanged()}};
    auto wanted = from_wire(args.attributes);
    if (!wanted) return {fail(call, wanted.error()), {target->unchanged()}};
    if (!exports::map_owners(*target->options, *wanted))
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

}  // namespace berth::nfs
