// Where remembered names are kept: in memory, bounded, the longest unused forgotten first. Behind
// an interface so that they can also be kept in a file that survives the process.
#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "nfs/vfs/posix/id_hash.hpp"
#include "nfs/vfs/types.hpp"

namespace berth::vfs::posix {

/// One place where an object can be found.
struct Place {
    ObjectId directory;
    std::string name;
};

/// Called from many threads at once.
class NameStore {
public:
    NameStore() = default;
    NameStore(const NameStore&) = delete;
    NameStore& operator=(const NameStore&) = delete;
    virtual ~NameStore() = default;

    virtual std::optional<Place> find(const ObjectId& id) = 0;
    /// Replaces what was there for this id.
    virtual void put(const ObjectId& id, const ObjectId& directory, std::string_view name) = 0;
    /// The same where that waits for no disk; else false, and nothing has changed.
    virtual bool put_at_once(const ObjectId& id, const ObjectId& directory,
                             std::string_view name) = 0;
    /// Only if that is the place kept for it.
    virtual void erase(const ObjectId& id, const ObjectId& directory, std::string_view name) = 0;
    [[nodiscard]] virtual std::string describe() const = 0;
    /// What has gone wrong since the last time it was asked for, as one line without a full stop.
    [[nodiscard]] virtual std::optional<std::string> trouble() { return std::nullopt; }
};

class NamesInMemory final : public NameStore {
public:
    explicit NamesInMemory(std::size_t names_max) : names_max_(names_max) {}

    std::optional<Place> find(const ObjectId& id) override;
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

    Entries::iterator touch(Entries::iterator entry);

    const std::size_t names_max_;
    std::mutex lock_;
    Entries entries_;  ///< longest unused first
    std::unordered_map<ObjectId, Entries::iterator, IdHash> by_id_;
};

}  // namespace berth::vfs::posix
