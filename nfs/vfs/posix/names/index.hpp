// Where in the journal's files each object's names are. Held in memory, at about 25 bytes per name;
// only the files have the names themselves. Split by hash; every function takes one lock briefly
// and waits for nothing else.
#pragma once

#include <atomic>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

#include <boost/thread/synchronized_value.hpp>

#include "nfs/vfs/types.hpp"

namespace berth::vfs::posix {

/// The position of a record in the journal's files. A greater position is newer.
class NamePosition {
public:
    /// The limit on the size of a file.
    static constexpr std::uint64_t offset_max = std::uint64_t{127} << 20;

    NamePosition() = default;
    NamePosition(std::uint32_t file, std::uint64_t offset, std::size_t bytes) noexcept
        : packed_(std::uint64_t{file} << 32 | offset / 8 << 8 | bytes / 8) {}

    [[nodiscard]] std::uint32_t file() const noexcept {
        return static_cast<std::uint32_t>(packed_ >> 32);
    }
    [[nodiscard]] std::uint64_t offset() const noexcept { return (packed_ >> 8 & 0xFFFFFF) * 8; }
    [[nodiscard]] std::size_t bytes() const noexcept { return (packed_ & 0xFF) * 8; }
    auto operator<=>(const NamePosition&) const = default;  // NOLINT(modernize-use-nullptr)

private:
    std::uint64_t packed_ = 0;
};

class NameIndex {
public:
    NameIndex();

    /// Keyed hashes, so that nobody can choose names that collide.
    struct Key {
        std::uint64_t object = 0;
        std::uint32_t place = 0;
    };
    [[nodiscard]] static std::uint64_t hash_of(std::uint64_t tree, const ObjectId& id);
    [[nodiscard]] static Key key_of(std::uint64_t tree, const ObjectId& id,
                                    const ObjectId& directory, std::string_view name);

    /// Whether this name is there; marks it as used.
    [[nodiscard]] bool use(const Key& key);
    /// Marks all names of an object as used.
    void use_all(std::uint64_t object);
    /// The same, and returns them, newest first. Some may belong to another object.
    [[nodiscard]] std::vector<NamePosition> find(std::uint64_t object);

    struct Put {
        bool is_new = true;                    ///< the number of names has grown by one
        std::optional<NamePosition> replaced;  ///< the record that is no longer live
    };
    Put put(const Key& key, NamePosition position);
    std::optional<NamePosition> erase(const Key& key);

    // For one record. False: the record is no longer live.
    [[nodiscard]] bool holds(const Key& key, NamePosition position);
    /// Clears the used mark, and returns what it was.
    [[nodiscard]] bool take_used(const Key& key, NamePosition position);
    bool move(const Key& key, NamePosition from, NamePosition to);
    bool erase(std::uint64_t object, NamePosition position);

    /// Erases all records of a file that no longer exists, and returns them.
    std::vector<NamePosition> erase_file(std::uint32_t file);

    [[nodiscard]] std::size_t size() const noexcept { return size_.load(); }

private:
    struct Slot {
        std::uint32_t object = 0;  // the part of the hash that determines its slot
        std::uint32_t place : 31 = 0;
        std::uint32_t is_used : 1 = 0;
        NamePosition position;
        [[nodiscard]] bool is_empty() const noexcept { return position == NamePosition{}; }
    };
    /// An open-addressing table: an object's slots follow the home slot of its hash, with no empty
    /// slot in between.
    struct Table {
        std::vector<Slot> slots;
        std::size_t size = 0;

        [[nodiscard]] std::size_t home_of(std::uint32_t object) const noexcept {
            return static_cast<std::size_t>(std::uint64_t{object} * slots.size() >> 32);
        }
        /// Visits the object's slots until `visit` returns true; returns that slot, or null.
        Slot* find(std::uint32_t object, const auto& visit);
        Slot* find(const Key& key);
        void insert(const Slot& slot);
        void erase(Slot& slot);
        void resize(std::size_t slots_wanted);
    };

    using Shard = boost::synchronized_value<Table, std::mutex>;

    Shard& shard_of(std::uint64_t object);

    std::vector<Shard> shards_;
    std::atomic<std::size_t> size_{0};
};

}  // namespace berth::vfs::posix
