#include "nfs/vfs/posix/names/assigned_ids.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <span>
#include <utility>

#include <sodium.h>
#include <xxhash.h>

namespace berth::vfs::posix {
namespace {

constexpr auto kind_assigned = AssignedIds::kind_assigned;
// Neither that of an assigned id nor one of ObjectIdentity's kinds.
constexpr std::byte kind_place{0x11};

constexpr auto random_bytes = AssignedIds::random_bytes;
using Id = std::array<std::byte, AssignedIds::id_bytes>;

// A record in a name store: the id and its witness are stored in the field for a name's directory.
constexpr std::string_view record_name = ".";
constexpr std::size_t record_bytes = sizeof(Id) + sizeof(Witness);
static_assert(record_bytes <= ObjectId::bytes_max);

ObjectId random_id() {
    Id id{kind_assigned};
    ::randombytes_buf(id.data() + 1, random_bytes);
    return ObjectId{id};
}

// Clients choose names, so this hash is keyed: nobody may choose names that collide.
ObjectId place_of(const ObjectId& directory, std::string_view name) {
    std::array<std::byte, 1 + crypto_generichash_BYTES_MIN> bytes{kind_place};
    crypto_generichash_state state;
    const auto add = [&](const void* data, std::size_t size) {
        crypto_generichash_update(&state, static_cast<const unsigned char*>(data), size);
    };
    crypto_generichash_init(&state, nullptr, 0, crypto_generichash_BYTES_MIN);
    const auto directory_bytes = static_cast<std::uint8_t>(directory.bytes().size());
    add(&directory_bytes, 1);
    add(directory.bytes().data(), directory_bytes);
    add(name.data(), name.size());
    crypto_generichash_final(&state, reinterpret_cast<unsigned char*>(bytes.data() + 1),
                             crypto_generichash_BYTES_MIN);
    return ObjectId{bytes};
}

}  // namespace

ObjectId AssignedIds::of_root() {
    return ObjectId{Id{kind_assigned}};
}

std::uint64_t AssignedIds::number_of(const ObjectId& id) {
    // Some clients store inode numbers in signed 64 bits.
    constexpr std::uint64_t positive = ~std::uint64_t{0} >> 1;
    return XXH3_64bits(id.bytes().data(), id.bytes().size()) & positive;
}

ObjectId AssignedIds::of(const Sighting& seen, const ObjectId& directory, std::string_view name,
                         const CompareHeld& compare) {
    const std::lock_guard one_at_a_time{records_};
    const auto here = place_of(directory, name);
    const auto before = read(here);
    auto id = of_held(seen.mark);
    // A user-space file system may give the mark of an object that it has dropped to another one;
    // and a caller may still hold one that was found to be gone.
    if (id && compare(*id) != Held::same) id.reset();
    if (!id && before) {
        const auto held = compare(before->id);
        const bool is_same = held == Held::same || (held == Held::not_held &&
                                                    speaks_for_one(before->witness, seen.witness));
        if (is_same) id = before->id;
    }
    if (!id) id = random_id();
    write(here, before, {*id, seen.witness});
    return *id;
}

std::optional<ObjectId> AssignedIds::of_held(const ObjectId& mark) const {
    if (mark.bytes().empty()) return std::nullopt;
    const std::lock_guard locked{lock_};
    const auto known = held_.find(mark);
    if (known == held_.end()) return std::nullopt;
    return known->second.id;
}

bool AssignedIds::is(const ObjectId& id, const Sighting& seen, const ObjectId& directory,
                     std::string_view name, const CompareHeld& compare) const {
    const auto held = of_held(seen.mark);
    if (held && (!seen.is_only_number || compare(*held) == Held::same)) return *held == id;
    const std::lock_guard one_at_a_time{records_};
    const auto record = read(place_of(directory, name));
    return record && record->id == id && speaks_for_one(record->witness, seen.witness);
}

void AssignedIds::left(const ObjectId& directory, std::string_view name) {
    const std::lock_guard one_at_a_time{records_};
    erase(place_of(directory, name));
}

void AssignedIds::arrived(const ObjectId& id, const Witness& witness, const ObjectId& directory,
                          std::string_view name) {
    const std::lock_guard one_at_a_time{records_};
    const auto here = place_of(directory, name);
    write(here, read(here), {id, witness});
}

void AssignedIds::changed(const ObjectId& id, const Witness& witness) {
    const std::lock_guard one_at_a_time{records_};
    for (const auto& known : names_.find(id)) {
        const auto here = place_of(known.directory, known.name);
        const auto record = read(here);
        if (record && record->id == id) write(here, record, {id, witness});
    }
}

AssignedIds::Holding::Holding(std::shared_ptr<AssignedIds> ids, const ObjectId& mark,
                              const ObjectId& id)
    : ids_(std::move(ids)),
      mark_(mark) {
    const std::lock_guard locked{ids_->lock_};
    auto& held = ids_->held_[mark_];
    held.id = id;
    ++held.times;
}

AssignedIds::Holding::~Holding() {
    const std::lock_guard locked{ids_->lock_};
    const auto known = ids_->held_.find(mark_);
    if (known != ids_->held_.end() && --known->second.times == 0) ids_->held_.erase(known);
}

std::optional<AssignedIds::Record> AssignedIds::read(const ObjectId& place) const {
    const auto found = names_.find(place);
    if (found.empty() || found.front().directory.bytes().size() != record_bytes)
        return std::nullopt;
    const auto bytes = found.front().directory.bytes();
    Record record{.id = ObjectId{bytes.first(sizeof(Id))}, .witness = {}};
    std::memcpy(&record.witness, bytes.data() + sizeof(Id), sizeof(Witness));
    return record;
}

void AssignedIds::write(const ObjectId& place, const std::optional<Record>& before,
                        const Record& now) {
    if (before == now) return;
    erase(place);
    std::array<std::byte, record_bytes> bytes{};
    std::ranges::copy(now.id.bytes(), bytes.begin());
    std::memcpy(bytes.data() + sizeof(Id), &now.witness, sizeof(Witness));
    names_.put(place, ObjectId{bytes}, record_name);
}

void AssignedIds::erase(const ObjectId& place) {
    for (const auto& record : names_.find(place))
        names_.erase(place, record.directory, record.name);
}

}  // namespace berth::vfs::posix
