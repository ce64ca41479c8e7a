#include "tests/bench/load/works.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <stdexcept>
#include <utility>

namespace berth::bench {

namespace {

constexpr std::uint32_t kib = 1024, mib = 1024 * kib;
constexpr std::uint64_t read_file_bytes = 32 * mib;
constexpr std::uint64_t write_file_bytes = 16 * mib;
constexpr std::uint32_t access_read_lookup = 0x3;

/// What the works make their calls of. One connection's calls work in one directory of its own, as
/// clients that know nothing of each other do.
struct Place {
    Session& session;
    Bytes directory;
    std::string slot_name;  // differs from slot to slot
    std::size_t slot = 0;   // of all
    Bytes read_file;        // one for all
    Bytes connection_file;  // one per connection; empty unless the work wants it
    View payload;
    std::size_t slots = 1;
};

CallWriter call(const Place& place, Procedure procedure) {
    return {procedure, place.session.caller()};
}

Step finished(CallWriter&& writer) {
    return {.message = std::move(writer).finish()};
}

Step null_step(const Place& place) {
    Step step = finished(call(place, Procedure::null));
    step.expect = Expect::accepted;
    return step;
}

Step getattr_step(const Place& place, View handle) {
    CallWriter writer = call(place, Procedure::getattr);
    writer.opaque(handle);
    return finished(std::move(writer));
}

Step access_step(const Place& place, View handle) {
    CallWriter writer = call(place, Procedure::access);
    writer.opaque(handle);
    writer.u32(access_read_lookup);
    return finished(std::move(writer));
}

CallWriter name_call(const Place& place, Procedure procedure, const std::string& name) {
    CallWriter writer = call(place, procedure);
    writer.opaque(place.directory);
    writer.string(name);
    return writer;
}

Step lookup_step(const Place& place, const std::string& name) {
    return finished(name_call(place, Procedure::lookup, name));
}

Step remove_step(const Place& place, const std::string& name) {
    return finished(name_call(place, Procedure::remove, name));
}

CallWriter create_call(const Place& place, const std::string& name) {
    CallWriter writer = name_call(place, Procedure::create, name);
    writer.u32(1);  // GUARDED
    writer.u32(1);
    writer.u32(0644);
    for (int unset = 0; unset < 5; ++unset) writer.u32(0);  // uid, gid, size, atime, mtime
    return writer;
}

Step create_step(const Place& place, const std::string& name) {
    return finished(create_call(place, name));
}

Step fresh_create_step(const Place& place) {
    const std::string name = place.slot_name + "-00000000";
    Step step = create_step(place, name);
    const auto begin = reinterpret_cast<const char*>(step.message.data());
    const std::string_view text{begin, step.message.size()};
    step.fresh_name_at = text.find(name) + name.size() - 8;
    return step;
}

Step rename_step(const Place& place, const std::string& from, const std::string& to) {
    CallWriter writer = name_call(place, Procedure::rename, from);
    writer.opaque(place.directory);
    writer.string(to);
    return finished(std::move(writer));
}

Step link_step(const Place& place, View file, const std::string& name) {
    CallWriter writer = call(place, Procedure::link);
    writer.opaque(file);
    writer.opaque(place.directory);
    writer.string(name);
    return finished(std::move(writer));
}

Step setattr_step(const Place& place, View file, std::uint32_t mode) {
    CallWriter writer = call(place, Procedure::setattr);
    writer.opaque(file);
    writer.u32(1);
    writer.u32(mode);
    for (int unset = 0; unset < 5; ++unset) writer.u32(0);  // uid, gid, size, atime, mtime
    writer.u32(0);                                          // no guard
    return finished(std::move(writer));
}

/// Slots begin spread over the file.
void spread(Step& step, const Place& place, std::uint64_t file_bytes) {
    step.offset_end = file_bytes;
    const std::uint64_t pieces = file_bytes / step.count;
    step.offset = pieces * place.slot / place.slots * step.count;
}

Step read_step(const Place& place, std::uint32_t count) {
    CallWriter writer = call(place, Procedure::read);
    writer.opaque(place.read_file);
    const std::size_t offset_at = writer.size();
    writer.u64(0);
    writer.u32(count);
    Step step = finished(std::move(writer));
    step.expect = Expect::read;
    step.count = count;
    step.offset_at = offset_at;
    spread(step, place, read_file_bytes);
    return step;
}

Step write_step(const Place& place, View file, std::uint64_t file_bytes, std::uint32_t count,
                std::uint32_t stable) {
    CallWriter writer = call(place, Procedure::write);
    writer.opaque(file);
    const std::size_t offset_at = writer.size();
    writer.u64(0);
    writer.u32(count);
    writer.u32(stable);
    writer.u32(count);
    Step step;
    step.message = std::move(writer).finish(count);
    step.payload = place.payload.first(count);
    step.expect = Expect::written;
    step.count = count;
    step.stable = stable;
    step.offset_at = offset_at;
    spread(step, place, file_bytes);
    return step;
}

using Steps = std::vector<Step>;

struct Work {
    std::function<Steps(const Place&)> steps;
    bool wants_read_file = false;
    bool wants_connection_file = false;
};

Work reading(std::uint32_t count) {
    return {[count](const Place& place) { return Steps{read_step(place, count)}; }, true};
}

Work writing(std::uint32_t count) {
    return {[count](const Place& place) {
                return Steps{
                    write_step(place, place.connection_file, write_file_bytes, count, unstable)};
            },
            false, true};
}

Bytes own_file(const Place& place, std::uint64_t bytes) {
    return place.session.create_filled(place.directory, place.slot_name, bytes);
}

Steps lookup_steps(const Place& place) {
    own_file(place, 0);
    return {lookup_step(place, place.slot_name)};
}

Steps create_remove_steps(const Place& place) {
    return {create_step(place, place.slot_name), remove_step(place, place.slot_name)};
}

Steps rename_steps(const Place& place) {
    own_file(place, 0);
    const std::string other = place.slot_name + "-renamed";
    return {rename_step(place, place.slot_name, other), rename_step(place, other, place.slot_name)};
}

Steps link_remove_steps(const Place& place) {
    const Bytes file = own_file(place, 0);
    const std::string link = place.slot_name + "-link";
    return {link_step(place, file, link), remove_step(place, link)};
}

Steps setattr_steps(const Place& place) {
    const Bytes file = own_file(place, 0);
    return {setattr_step(place, file, 0640), setattr_step(place, file, 0644)};
}

/// Every slot in a file of its own: each sync is of another one.
Steps write_sync_steps(const Place& place) {
    return {write_step(place, own_file(place, mib), mib, mib, file_sync)};
}

Steps mixed_steps(const Place& place) {
    const Bytes file = own_file(place, 0);
    const std::string made = place.slot_name + "-made";
    return {getattr_step(place, file),
            lookup_step(place, place.slot_name),
            access_step(place, file),
            read_step(place, 4 * kib),
            write_step(place, place.connection_file, write_file_bytes, 4 * kib, unstable),
            setattr_step(place, file, 0644),
            create_step(place, made),
            remove_step(place, made)};
}

const std::map<std::string, Work>& works() {
    static const std::map<std::string, Work> all{
        {"null", {[](const Place& place) { return Steps{null_step(place)}; }}},
        {"getattr",
         {[](const Place& place) { return Steps{getattr_step(place, own_file(place, 0))}; }}},
        {"access",
         {[](const Place& place) { return Steps{access_step(place, own_file(place, 0))}; }}},
        {"lookup", {lookup_steps}},
        {"read_4k", reading(4 * kib)},
        {"read_64k", reading(64 * kib)},
        {"read_1m", reading(mib)},
        {"write_4k", writing(4 * kib)},
        {"write_64k", writing(64 * kib)},
        {"write_1m", writing(mib)},
        {"write_sync_1m", {write_sync_steps}},
        {"create", {[](const Place& place) { return Steps{fresh_create_step(place)}; }}},
        {"create_remove", {create_remove_steps}},
        {"rename", {rename_steps}},
        {"link_remove", {link_remove_steps}},
        {"setattr", {setattr_steps}},
        {"mixed", {mixed_steps, true, true}},
    };
    return all;
}

View payload() {
    static const Bytes bytes = [] {
        Bytes made(mib);
        for (std::size_t at = 0; at < made.size(); ++at)
            made[at] = static_cast<std::byte>(at * 131 >> 3);
        return made;
    }();
    return bytes;
}

}  // namespace

const std::vector<std::string>& work_names() {
    static const std::vector<std::string> names = [] {
        std::vector<std::string> made;
        for (const auto& [name, work] : works()) made.push_back(name);
        return made;
    }();
    return names;
}

std::vector<Slot> prepare(const std::string& name, const Shape& shape, Session& session, View root,
                          const std::string& directory_name) {
    const auto found = works().find(name);
    if (found == works().end()) throw std::runtime_error("no such work: " + name);
    const Work& work = found->second;
    const Bytes top = session.mkdir(root, directory_name);
    Place place{.session = session, .payload = payload()};
    place.slots = shape.connections * shape.in_flight;
    if (work.wants_read_file) place.read_file = session.create_filled(top, "read", read_file_bytes);

    std::vector<Slot> slots;
    for (std::size_t connection = 0; connection < shape.connections; ++connection) {
        place.directory = session.mkdir(top, "connection-" + std::to_string(connection));
        if (work.wants_connection_file)
            place.connection_file =
                session.create_filled(place.directory, "written", write_file_bytes);
        for (std::size_t i = 0; i < shape.in_flight; ++i, ++place.slot) {
            place.slot_name = "slot-" + std::to_string(place.slot);
            slots.push_back({.steps = work.steps(place)});
        }
    }
    return slots;
}

void refresh(Step& step) {
    if (step.offset_at != 0) {
        put_u64(step.message.data() + step.offset_at, step.offset);
        step.offset += step.count;
        if (step.offset == step.offset_end) step.offset = 0;
    }
    if (step.fresh_name_at != 0) {
        static std::uint32_t names = 0;
        const std::uint32_t number = ++names;
        for (unsigned digit = 0; digit < 8; ++digit)
            step.message[step.fresh_name_at + digit] =
                static_cast<std::byte>("0123456789abcdef"[number >> (28 - 4 * digit) & 15]);
    }
}

bool is_good(const Step& step, View head, std::size_t size) {
    Reader reader{head};
    reader.u32();  // xid, which led to the step
    const bool accepted = reader.u32() == 1 && reader.u32() == 0;
    reader.u32();
    reader.opaque();
    if (!accepted || reader.u32() != 0 || !reader.ok()) return false;
    if (step.expect == Expect::accepted) return size == head.size() && reader.left() == 0;
    if (reader.u32() != 0 || !reader.ok()) return false;
    if (step.expect == Expect::read) {
        skip_post_op_attributes(reader);
        const bool whole = reader.u32() == step.count;
        reader.u32();  // eof
        const bool follows = reader.u32() == step.count;
        return whole && follows && reader.ok() &&
               size == head.size() - reader.left() + padded(step.count);
    }
    if (step.expect == Expect::written) {
        skip_wcc_data(reader);
        return reader.u32() == step.count && reader.u32() >= step.stable && reader.ok();
    }
    return true;
}

}  // namespace berth::bench
