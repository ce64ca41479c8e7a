#include "nfs/vfs/posix/names/index.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <span>
#include <utility>

#include <sodium.h>

#include "nfs/vfs/posix/names/store.hpp"

namespace berth::vfs::posix {
namespace {

constexpr std::size_t shards_count = 256;
constexpr std::size_t slots_min = 8;

std::uint64_t keyed_hash(std::span<const std::byte> bytes) {
    static const auto key = [] {
        std::array<unsigned char, crypto_shorthash_KEYBYTES> fresh{};
        crypto_shorthash_keygen(fresh.data());
        return fresh;
    }();
    std::uint64_t hash = 0;
    crypto_shorthash(reinterpret_cast<unsigned char*>(&hash),
                     reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
                     key.data());
    return hash;
}

// The input of a hash: a number, an id with its size, a name.
class Hashed {
public:
    explicit Hashed(std::uint64_t number) { add(std::as_bytes(std::span{&number, 1})); }
    void add_id(const ObjectId& id) {
        const auto size = static_cast<std::byte>(id.bytes().size());
        add(std::span{&size, 1});
        add(id.bytes());
    }
    void add(std::span<const std::byte> part) {
        if (!part.empty()) std::memcpy(bytes_.data() + size_, part.data(), part.size());
        size_ += part.size();
    }
    [[nodiscard]] std::uint64_t hash() const { return keyed_hash(std::span{bytes_}.first(size_)); }

private:
    std::array<std::byte, sizeof(std::uint64_t) + 1 + ObjectId::bytes_max + 255> bytes_;
    std::size_t size_ = 0;
};

// Shards go by the upper bits of the hash, slots by others.
std::uint32_t placing(std::uint64_t object) {
    return static_cast<std::uint32_t>(object);
}

}  // namespace

NameIndex::NameIndex() : shards_(shards_count) {}

std::uint64_t NameIndex::hash_of(std::uint64_t tree, const ObjectId& id) {
    Hashed hashed{tree};
    hashed.add_id(id);
    return hashed.hash();
}

NameIndex::Key NameIndex::key_of(std::uint64_t tree, const ObjectId& id, const ObjectId& directory,
                                 std::string_view name) {
    const auto object = hash_of(tree, id);
    Hashed place{object};
    place.add_id(directory);
    place.add(std::as_bytes(std::span{name.substr(0, 255)}));
    return {object, static_cast<std::uint32_t>(place.hash() >> 33)};
}

NameIndex::Shard& NameIndex::shard_of(std::uint64_t object) {
    return shards_[object >> 56];
}

NameIndex::Slot* NameIndex::Table::find(std::uint32_t object, const auto& visit) {
    if (slots.empty()) return nullptr;
    for (auto at = home_of(object); !slots[at].is_empty(); at = (at + 1) % slots.size())
        if (slots[at].object == object && visit(slots[at])) return &slots[at];
    return nullptr;
}

NameIndex::Slot* NameIndex::Table::find(const Key& key) {
    return find(placing(key.object), [&](const Slot& slot) { return slot.place == key.place; });
}

void NameIndex::Table::insert(const Slot& slot) {
    if (size + 1 > slots.size() / 4 * 3) resize(std::max(slots_min, slots.size() / 2 * 3));
    auto at = home_of(slot.object);
    while (!slots[at].is_empty()) at = (at + 1) % slots.size();
    slots[at] = slot;
    ++size;
}

void NameIndex::Table::erase(Slot& slot) {
    auto hole = static_cast<std::size_t>(&slot - slots.data());
    // Moves up those slots behind it that would not be found past an empty one.
    for (auto at = (hole + 1) % slots.size(); !slots[at].is_empty(); at = (at + 1) % slots.size()) {
        const auto home = home_of(slots[at].object);
        const bool is_home_between = hole < at ? hole < home && home <= at  //
                                               : hole < home || home <= at;
        if (is_home_between) continue;
        slots[hole] = slots[at];
        hole = at;
    }
    slots[hole] = {};
    --size;
    if (slots.size() > slots_min && size < slots.size() / 8) resize(slots.size() / 4);
}

void NameIndex::Table::resize(std::size_t slots_wanted) {
    std::vector<Slot> before(std::max(slots_min, slots_wanted));
    before.swap(slots);
    size = 0;
    for (const auto& slot : before)
        if (!slot.is_empty()) insert(slot);
}

bool NameIndex::use(const Key& key) {
    auto shard = shard_of(key.object).synchronize();
    Slot* const slot = shard->find(key);
    if (slot != nullptr) slot->is_used = 1;
    return slot != nullptr;
}

void NameIndex::use_all(std::uint64_t object) {
    auto shard = shard_of(object).synchronize();
    shard->find(placing(object), [](Slot& slot) {
        slot.is_used = 1;
        return false;
    });
}

std::vector<NamePosition> NameIndex::find(std::uint64_t object) {
    std::vector<NamePosition> found;
    {
        auto shard = shard_of(object).synchronize();
        shard->find(placing(object), [&](Slot& slot) {
            slot.is_used = 1;
            found.push_back(slot.position);
            return false;
        });
    }
    std::ranges::sort(found, std::ranges::greater{});
    return found;
}

NameIndex::Put NameIndex::put(const Key& key, NamePosition position) {
    auto shard = shard_of(key.object).synchronize();
    std::size_t names = 0;
    Slot* oldest = nullptr;
    Slot* const known = shard->find(placing(key.object), [&](Slot& slot) {
        ++names;
        if (oldest == nullptr || slot.position < oldest->position) oldest = &slot;
        return slot.place == key.place;
    });
    Slot* const replaced =
        known != nullptr || names < NameStore::names_per_object_max ? known : oldest;
    if (replaced != nullptr) {
        const auto former = std::exchange(replaced->position, position);
        replaced->place = key.place & 0x7FFFFFFFU;
        return {.is_new = false, .replaced = former};
    }
    Slot fresh;
    fresh.object = placing(key.object);
    fresh.place = key.place & 0x7FFFFFFFU;
    fresh.position = position;
    shard->insert(fresh);
    ++size_;
    return {};
}

std::optional<NamePosition> NameIndex::erase(const Key& key) {
    auto shard = shard_of(key.object).synchronize();
    Slot* const slot = shard->find(key);
    if (slot == nullptr) return std::nullopt;
    const auto former = slot->position;
    shard->erase(*slot);
    --size_;
    return former;
}

bool NameIndex::holds(const Key& key, NamePosition position) {
    auto shard = shard_of(key.object).synchronize();
    const Slot* const slot = shard->find(key);
    return slot != nullptr && slot->position == position;
}

bool NameIndex::take_used(const Key& key, NamePosition position) {
    auto shard = shard_of(key.object).synchronize();
    Slot* const slot = shard->find(key);
    if (slot == nullptr || slot->position != position || slot->is_used == 0) return false;
    slot->is_used = 0;
    return true;
}

bool NameIndex::move(const Key& key, NamePosition from, NamePosition to) {
    auto shard = shard_of(key.object).synchronize();
    Slot* const slot = shard->find(key);
    if (slot == nullptr || slot->position != from) return false;
    slot->position = to;
    return true;
}

bool NameIndex::erase(std::uint64_t object, NamePosition position) {
    auto shard = shard_of(object).synchronize();
    Slot* const slot =
        shard->find(placing(object), [&](const Slot& one) { return one.position == position; });
    if (slot == nullptr) return false;
    shard->erase(*slot);
    --size_;
    return true;
}

std::vector<NamePosition> NameIndex::erase_file(std::uint32_t file) {
    std::vector<NamePosition> erased;
    for (Shard& each : shards_) {
        auto shard = each.synchronize();
        const auto before = shard->size;
        std::vector<Slot> slots(shard->slots.size());
        slots.swap(shard->slots);
        shard->size = 0;
        for (const auto& slot : slots) {
            if (slot.is_empty()) continue;
            if (slot.position.file() == file)
                erased.push_back(slot.position);
            else
                shard->insert(slot);
        }
        size_ -= before - shard->size;
    }
    return erased;
}

}  // namespace berth::vfs::posix
