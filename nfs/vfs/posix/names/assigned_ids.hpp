// Ids for objects that the file system itself does not reliably tell apart. In user-space file
// systems inode numbers may be equal, reused or made up; in overlays two files can be one until
// they are written. Such an object gets a random id when it is first seen at a place, and the
// record of that place in the name store keeps the id. An id never comes to mean another object as
// far as anything tells; where nothing tells, the object gets a new id.
//
// Locks itself; for any thread that may wait for the name store.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <unordered_map>

#include "nfs/vfs/posix/names/store.hpp"
#include "nfs/vfs/posix/system/id_hash.hpp"
#include "nfs/vfs/posix/system/object_identity.hpp"

namespace berth::vfs::posix {

class AssignedIds {
public:
    /// The first byte of an assigned id: none of ObjectIdentity's kinds. Random bytes follow.
    static constexpr std::byte kind_assigned{0x10};
    static constexpr std::size_t random_bytes = 16;
    static constexpr std::size_t id_bytes = sizeof kind_assigned + random_bytes;

    /// `names` outlives this. When it forgets an id, the handles with that id become stale.
    explicit AssignedIds(NameStore& names) : names_(names) {}
    AssignedIds(const AssignedIds&) = delete;
    AssignedIds& operator=(const AssignedIds&) = delete;

    /// The id of a tree's root.
    [[nodiscard]] static ObjectId of_root();
    [[nodiscard]] static bool is_assigned(const ObjectId& id) noexcept {
        return id.bytes().size() == id_bytes && id.bytes().front() == kind_assigned;
    }
    /// A number for an object with this id; practically unique.
    [[nodiscard]] static std::uint64_t number_of(const ObjectId& id);

    /// Whether an object is held open under an id, and whether it is the same one.
    enum class Held : std::uint8_t { not_held, same, other };
    /// Compares the object that is held, if any, with the one that was just seen.
    using CompareHeld = std::function<Held(const ObjectId& id)>;

    /// The id of the uncertain object that was just seen as `name` in `directory`.
    [[nodiscard]] ObjectId of(const Sighting& seen, const ObjectId& directory,
                              std::string_view name, const CompareHeld& compare);
    /// The same for an object that is held open; no place is needed.
    [[nodiscard]] std::optional<ObjectId> of_held(const ObjectId& mark) const;
    /// Whether the object seen there has this id.
    [[nodiscard]] bool is(const ObjectId& id, const Sighting& seen, const ObjectId& directory,
                          std::string_view name, const CompareHeld& compare) const;

    /// The object is no longer there, or has another name; whatever comes there next is another
    /// object.
    void left(const ObjectId& directory, std::string_view name);
    /// The object with this id is there now.
    void arrived(const ObjectId& id, const Witness& witness, const ObjectId& directory,
                 std::string_view name);

    /// The object with this id looks like this now, wherever it is.
    void changed(const ObjectId& id, const Witness& witness);

    /// While it exists, an object with this mark is held open under this id. It may outlive the
    /// tree and its name store.
    class Holding {
    public:
        Holding(std::shared_ptr<AssignedIds> ids, const ObjectId& mark, const ObjectId& id);
        Holding(const Holding&) = delete;
        Holding& operator=(const Holding&) = delete;
        ~Holding();

    private:
        const std::shared_ptr<AssignedIds> ids_;
        const ObjectId mark_;
    };

private:
    struct Record {
        ObjectId id;
        Witness witness;
        bool operator==(const Record&) const = default;
    };
    struct HeldOpen {
        ObjectId id;
        std::size_t times = 0;
    };

    [[nodiscard]] std::optional<Record> read(const ObjectId& place) const;
    void write(const ObjectId& place, const std::optional<Record>& before, const Record& now);
    void erase(const ObjectId& place);

    NameStore& names_;
    mutable std::mutex records_;  ///< held while records are compared and written
    mutable std::mutex lock_;     ///< a leaf: no lock is taken under it
    // Guarded by lock_:
    std::unordered_map<ObjectId, HeldOpen, IdHash> held_;  ///< by mark
};

}  // namespace berth::vfs::posix
