#include "nfs/attributes.hpp"

#include <algorithm>
#include <limits>

namespace berth::nfs {

namespace {

constexpr std::uint32_t nobody = 65534;
constexpr std::uint32_t no_id = 0xFFFFFFFF;
constexpr std::uint32_t mode_bits = 07777;
constexpr std::uint32_t second_in_nanoseconds = 1'000'000'000;

// Clients reject all attributes of a file whose owner is -1.
std::uint32_t presentable(std::uint32_t id) {
    return id == no_id ? nobody : id;
}

vfs::Result<std::optional<vfs::NewTime>> from_wire(const NewTime& wanted) {
    if (wanted.discriminant() == TimeHow::leave) return std::optional<vfs::NewTime>{};
    const auto* time = wanted.get_if<TimeHow::client_time>();
    if (time == nullptr) return std::optional{vfs::NewTime{}};
    if (time->nanoseconds >= second_in_nanoseconds) return std::errc::invalid_argument;
    return std::optional{vfs::NewTime{vfs::Time{time->seconds, time->nanoseconds}}};
}

}  // namespace

std::uint64_t presentable_fileid(std::uint64_t fileid) {
    return fileid == 0 ? std::numeric_limits<std::uint64_t>::max() : fileid;
}

// Clients take a directory with an fsid of its own for the root of another file system; these parts
// are such file systems.
std::uint64_t presentable_fsid(std::uint64_t of_export, std::uint64_t part) {
    if (part == 0) return of_export;
    constexpr std::uint64_t spread = 0x9E3779B97F4A7C15;
    auto mixed = (of_export ^ (part * spread));
    mixed = (mixed ^ (mixed >> 32)) * spread;
    return mixed ^ (mixed >> 29);
}

Time to_wire(const vfs::Time& time) {
    constexpr std::int64_t seconds_max = std::numeric_limits<std::uint32_t>::max();
    if (time.seconds < 0) return {0, 0};
    if (time.seconds > seconds_max)
        return {static_cast<std::uint32_t>(seconds_max), second_in_nanoseconds - 1};
    return {static_cast<std::uint32_t>(time.seconds), time.nanoseconds};
}

bool is_same(const Time& a, const Time& b, const vfs::Time& granularity) {
    const auto nanoseconds_of = [](std::int64_t seconds, std::uint32_t nanoseconds) {
        return seconds * second_in_nanoseconds + nanoseconds;
    };
    const auto step =
        std::max<std::int64_t>(1, nanoseconds_of(granularity.seconds, granularity.nanoseconds));
    const auto steps = [&](const Time& time) {
        return nanoseconds_of(time.seconds, time.nanoseconds) / step;
    };
    return steps(a) == steps(b);
}

FileType to_wire(vfs::FileType type) {
    switch (type) {
    case vfs::FileType::regular: return FileType::regular;
    case vfs::FileType::directory: return FileType::directory;
    case vfs::FileType::block_device: return FileType::block_device;
    case vfs::FileType::character_device: return FileType::character_device;
    case vfs::FileType::symbolic_link: return FileType::symbolic_link;
    case vfs::FileType::socket: return FileType::socket;
    case vfs::FileType::fifo: break;
    }
    return FileType::fifo;
}

Attributes to_wire(const vfs::Attributes& attributes, const exports::Export& exported,
                   const exports::Options& options) {
    return {.type = to_wire(attributes.type),
            .mode = attributes.mode & mode_bits,
            .links = attributes.links,
            .uid = presentable(shown_uid(options, attributes.uid)),
            .gid = presentable(shown_gid(options, attributes.gid)),
            .size = attributes.size,
            .used = attributes.used,
            .device = {attributes.device.major, attributes.device.minor},
            .fsid = presentable_fsid(exported.fsid, attributes.part),
            .fileid = presentable_fileid(attributes.fileid),
            .accessed = to_wire(attributes.accessed),
            .modified = to_wire(attributes.modified),
            .changed = to_wire(attributes.changed)};
}

WccAttributes to_wcc(const vfs::Attributes& attributes) {
    return {attributes.size, to_wire(attributes.modified), to_wire(attributes.changed)};
}

vfs::Result<vfs::NewAttributes> from_wire(const NewAttributes& wanted) {
    constexpr std::uint64_t size_max = std::numeric_limits<std::int64_t>::max();
    vfs::NewAttributes out;
    if (wanted.mode) out.mode = *wanted.mode & mode_bits;
    if (wanted.uid && *wanted.uid != no_id) out.uid = *wanted.uid;
    if (wanted.gid && *wanted.gid != no_id) out.gid = *wanted.gid;
    if (wanted.size) out.size = *wanted.size;
    if (out.size && *out.size > size_max) return std::errc::file_too_large;
    const auto accessed = from_wire(wanted.accessed);
    if (!accessed) return accessed.error();
    const auto modified = from_wire(wanted.modified);
    if (!modified) return modified.error();
    out.accessed = *accessed;
    out.modified = *modified;
    return out;
}

}  // namespace berth::nfs
