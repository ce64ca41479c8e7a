// How an object that is not in the cache is found by its id: by the kernel's handle, or by the
// names that it was last seen under. The one seam between the two; chosen once per tree.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>

#include "nfs/vfs/descriptor.hpp"
#include "nfs/vfs/result.hpp"
#include "nfs/vfs/types.hpp"

namespace berth::vfs::posix {

/// Many threads call it at once. open() is called by a thread that acts as the server.
class Locator {
public:
    Locator() = default;
    Locator(const Locator&) = delete;
    Locator& operator=(const Locator&) = delete;
    virtual ~Locator() = default;

    /// An O_PATH descriptor of exactly that object. stale if there is none; invalid_argument if the
    /// bytes cannot be an id of this kind. With any other error, it is not known at the moment.
    virtual Result<Descriptor> open(const ObjectId& id) = 0;
    /// The same for an object that is not a directory, by a name in the tree.
    virtual Result<Descriptor> open_by_name(const ObjectId& id, const Way& way,
                                            std::uint64_t inode) = 0;

    /// A directory that the object was last seen in, if names are kept.
    [[nodiscard]] virtual std::optional<ObjectId> directory_of(const ObjectId&) { return {}; }

    /// Whether it needs names; if not, seen() and unlinked() need not be called.
    [[nodiscard]] virtual bool wants_names() const = 0;
    /// The object was seen, made, or renamed to be `name` in `directory`. would_block, only with
    /// Patience::none: it must be told again.
    virtual Result<void> seen(const ObjectId& id, const ObjectId& directory, std::string_view name,
                              Patience patience) = 0;
    /// The object is no longer `name` in `directory`.
    virtual void unlinked(const ObjectId& id, const ObjectId& directory, std::string_view name) = 0;

    struct Entry {
        const ObjectId& directory;
        std::string_view name;
    };
    /// Whether it must be told when a client has moved something.
    [[nodiscard]] virtual bool wants_moves(bool /*between_directories*/) const {
        return wants_names();
    }
    /// `way`: the one in the object's handle, if the object is held open.
    virtual void moved(const ObjectId& id, const std::optional<Way>& /*way*/, const Entry& from,
                       const Entry& to) {
        unlinked(id, from.directory, from.name);
        std::ignore = seen(id, to.directory, to.name, Patience::ample);
    }
    /// The way to put into a handle of the object, seen there. If the object's handles contain a
    /// way already, that one. `held`: the way in its handles while the object is held open.
    /// would_block, only with Patience::none: ask again.
    virtual Result<Way> way_to(const ObjectId& /*id*/, const std::optional<Way>& /*held*/,
                               const Entry& /*as*/, Patience /*patience*/) {
        return Way{};
    }
    /// A client has given the object another name. `way`: the one in its handle.
    virtual void linked(const ObjectId& id, const Way& /*way*/, const Entry& as) {
        std::ignore = seen(id, as.directory, as.name, Patience::ample);
    }

    /// To be called about once a second.
    virtual void sweep() {}
    /// Makes durable what it was told before, as far as that survives a restart at all.
    virtual void synchronize() {}

    /// For the start-up log, without a full stop.
    [[nodiscard]] virtual std::string describe() const = 0;
    /// Whether objects are found by the ids that they had before a restart.
    [[nodiscard]] virtual bool survives_restart() const = 0;
    /// Errors since the last call, likewise.
    [[nodiscard]] virtual std::optional<std::string> trouble() { return std::nullopt; }
};

}  // namespace berth::vfs::posix
