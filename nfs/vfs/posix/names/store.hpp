// Where remembered names are kept: in memory, bounded, the least recently used forgotten first. An
// interface, so that they can also be kept in files that survive the process.
#pragma once

#include <cstddef>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <boost/thread/synchronized_value.hpp>

#include "nfs/vfs/posix/system/id_hash.hpp"
#include "nfs/vfs/result.hpp"
#include "nfs/vfs/types.hpp"

namespace berth::vfs::posix {

/// One place where an object can be found.
struct Place {
    ObjectId directory;
    std::string name;
    bool operator==(const Place&) const = default;
};

/// All known names of each object of one tree. Ids are opaque bytes. Many threads call it at once.
class NameStore {
public:
    /// How many names of one object are kept; one more displaces the one that was put longest ago.
    static constexpr std::size_t names_per_object_max = 1024;

    NameStore() = default;
    NameStore(const NameStore&) = delete;
    NameStore& operator=(const NameStore&) = delete;
    virtual ~NameStore() = default;

    /// The places of the object, usually the last put first.
    virtual std::vector<Place> find(const ObjectId& id) = 0;
    /// Adds a name of the object; it may be known already.
    virtual void put(const ObjectId& id, const ObjectId& directory, std::string_view name) = 0;
    /// The same if that waits for no disk; otherwise false, and nothing has changed.
    virtual bool put_at_once(const ObjectId& id, const ObjectId& directory,
                             std::string_view name) = 0;
    /// Erases one of the object's names; the others stay.
    virtual void erase(const ObjectId& id, const ObjectId& directory, std::string_view name) = 0;
    /// Makes what was put before the call survive a crash of the machine, if this store survives a
    /// restart at all. Concurrent calls share the work.
    virtual Result<void> synchronize() { return {}; }
    [[nodiscard]] virtual std::string describe() const = 0;
    /// Whether the names are there after a restart.
    [[nodiscard]] virtual bool survives_restart() const = 0;
    /// Errors since the last call, as one line without a full stop.
    [[nodiscard]] virtual std::optional<std::string> trouble() { return std::nullopt; }
};

class NamesInMemory final : public NameStore {
public:
    explicit NamesInMemory(std::size_t names_max) : names_max_(names_max) {}

    std::vector<Place> find(const ObjectId& id) override;
    void put(const ObjectId& id, const ObjectId& directory, std::string_view name) override;
    bool put_at_once(const ObjectId& id, const ObjectId& directory,
                     std::string_view name) override {
        put(id, directory, name);
        return true;
    }
    void erase(const ObjectId& id, const ObjectId& directory, std::string_view name) override;
    [[nodiscard]] std::string describe() const override;
    [[nodiscard]] bool survives_restart() const override { return false; }

private:
    struct Entry {
        ObjectId id;
        Place place;
    };
    using Entries = std::list<Entry>;
    using Names = std::vector<Entries::iterator>;  ///< of one object; the last put is at the end
    using Objects = std::unordered_map<ObjectId, Names, IdHash>;

    struct Kept {
        Entries entries;  ///< least recently used first
        Objects objects;

        void touch(const Names& names);
        void erase(Objects::iterator object, Names::iterator name);
    };

    const std::size_t names_max_;
    boost::synchronized_value<Kept, std::mutex> kept_;
};

}  // namespace berth::vfs::posix
