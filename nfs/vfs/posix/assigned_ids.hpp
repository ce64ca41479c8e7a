// Ids for objects that the file system itself does not tell apart for certain: those of file
// systems in user space, whose inode numbers may be equal, used again or made up, and files of
// overlays that are one until they are written. Such an object is given a random id when it is
// first seen at a place, and that place's record in the name store keeps the id. An id never comes
// to mean another object as far as anything tells; where nothing does, the object is given a new
// one.
//
// Locks itself; any thread that may wait for the name store.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <unordered_map>

#include "nfs/vfs/posix/id_hash.hpp"
#include "nfs/vfs/posix/name_store.hpp"
#include "nfs/vfs/posix/object_identity.hpp"

namespace berth::vfs::posix {

class AssignedIds {
public:
    /// `names` outlives this. What it forgets are ids: their handles become stale.
    explicit AssignedIds(NameStore& names) : names_(names) {}
    AssignedIds(const AssignedIds&) = delete;
    AssignedIds& operator=(const AssignedIds&) = delete;

    /// The id of a tree's root.
    [[nodiscard]] static ObjectId of_root();
    [[nodiscard]] static bool is_assigned(const ObjectId& id);
    /// A number for an object with this id, as good as unique.
    [[nodiscard]] static std::uint64_t number_of(const ObjectId& id);

    /// What is known of an object that is held open under an id.
    enum class Held : std::uint8_t { not_held, same, other };
    /// Compares the one held, if any, with the one that was just seen.
    using CompareHeld = std::function<Held(const ObjectId& id)>;

    /// The id of the uncertain object that was just seen as `name` in `directory`.
    [[nodiscard]] ObjectId of(const Sighting& seen, const ObjectId& directory,
                              std::string_view name, const CompareHeld& compare);
    /// The same where that is known without a place, since the object is held open.
    [[nodiscard]] std::optional<ObjectId> of_held(const ObjectId& mark) const;
    /// Whether the object seen there is the one with this id.
    [[nodiscard]] bool is(const ObjectId& id, const Sighting& seen, const ObjectId& directory,
                          std::string_view name) const;

    /// The object is no longer there, or has another name: what comes to be there is another one.
    void left(const ObjectId& directory, std::string_view name);
    /// The object with this id is there now.
    void arrived(const ObjectId& id, const Witness& witness, const ObjectId& directory,
                 std::string_view name);

    /// The object with this id looks like that now, wherever it is.
    void changed(const ObjectId& id, const Witness& witness);

    /// While it exists, an object with this mark is held open under this id. May outlive the tree,
    /// and its name store.
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
    mutable std::mutex lock_;     ///< of what follows; no other is taken while it is held
    std::unordered_map<ObjectId, HeldOpen, IdHash> held_;  ///< by mark
};

}  // namespace berth::vfs::posix
