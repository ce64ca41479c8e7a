// Where remembered names are kept: in memory, bounded, the longest unused forgotten first. Behind
// an interface so that they can also be kept in files that survive the process.
#pragma once

#include <cstddef>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "nfs/vfs/posix/id_hash.hpp"
#include "nfs/vfs/result.hpp"
#include "nfs/vfs/types.hpp"

namespace berth::vfs::posix {

/// One place where an object can be found.
struct Place {
    ObjectId directory;
    std::string name;
    bool operator==(const Place&) const = default;
};

/// All names of each object of one tree, as far as they were told. Ids are opaque bytes. Called
/// from many threads at once.
class NameStore {
public:
    /// Of one object so many names are kept; with one more, that told longest ago is forgotten.
    static constexpr std::size_t names_per_object_max = 1024;

    NameStore() = default;
    NameStore(const NameStore&) = delete;
    NameStore& operator=(const NameStore&) = delete;
    virtual ~NameStore() = default;

    /// The places of the object, as a rule those put last first.
    virtual std::vector<Place> find(const ObjectId& id) = 0;
    /// One more name of the object, or one that is known already.
    virtual void put(const ObjectId& id, const ObjectId& directory, std::string_view name) = 0;
    /// The same where that waits for no disk; else false, and nothing has changed.
    virtual bool put_at_once(const ObjectId& id, const ObjectId& directory,
                             std::string_view name) = 0;
    /// This one of its names; the others stay.
    virtual void erase(const ObjectId& id, const ObjectId& directory, std::string_view name) = 0;
    /// What was put before the call survives the machine's own end, as far as this store survives a
    /// restart at all. Concurrent calls share the work.
    virtual Result<void> synchronize() { return {}; }
    [[nodiscard]] virtual std::string describe() const = 0;
    /// What has gone wrong since the last time it was asked for, as one line without a full stop.
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

private:
    struct Entry {
        ObjectId id;
        Place place;
    };
    using Entries = std::list<Entry>;
    using Names = std::vector<Entries::iterator>;  ///< of one object, those put last at the end
    using Objects = std::unordered_map<ObjectId, Names, IdHash>;

    void touch(const Names& names);
    void erase(Objects::iterator object, Names::iterator name);

    const std::size_t names_max_;
    std::mutex lock_;
    Entries entries_;  ///< longest unused first
    Objects objects_;
};

}  // namespace berth::vfs::posix
