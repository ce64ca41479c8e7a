// How an object is found again by its id when it is not in the cache: by the kernel's handle, or by
// the names it was last seen under. The one seam between the two; chosen once per tree.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>

#include "nfs/vfs/posix/descriptor.hpp"
#include "nfs/vfs/result.hpp"
#include "nfs/vfs/types.hpp"

namespace berth::vfs::posix {

/// Called from many threads at once. open() is called by a thread that acts as the server.
class Locator {
public:
    Locator() = default;
    Locator(const Locator&) = delete;
    Locator& operator=(const Locator&) = delete;
    virtual ~Locator() = default;

    /// An O_PATH descriptor of exactly that object. stale when there is none; invalid_argument when
    /// the bytes cannot be an id of this kind. Another error: that is not known at the moment.
    virtual Result<Descriptor> open(const ObjectId& id) = 0;
    /// The same, of an object that is no directory, by a name in the tree.
    virtual Result<Descriptor> open_by_name(const ObjectId& id, const Way& way,
                                            std::uint64_t inode) = 0;

    /// A directory that the object was last seen in, where names are kept.
    [[nodiscard]] virtual std::optional<ObjectId> directory_of(const ObjectId&) { return {}; }

    /// Whether it wants to be told of names; if not, seen() and unlinked() need not be called.
    [[nodiscard]] virtual bool wants_names() const = 0;
    /// The object was seen, made, or renamed to be `name` in `directory`. would_block, only with
    /// Wait::no: it has to be told again.
    virtual Result<void> seen(const ObjectId& id, const ObjectId& directory, std::string_view name,
                              Wait wait) = 0;
    /// The object is no longer `name` in `directory`.
    virtual void unlinked(const ObjectId& id, const ObjectId& directory, std::string_view name) = 0;

    struct Entry {
        const ObjectId& directory;
        std::string_view name;
    };
    /// Whether it wants to be told that a client has moved something.
    [[nodiscard]] virtual bool wants_moves(bool /*between_directories*/) const {
        return wants_names();
    }
    virtual void moved(const ObjectId& id, const Entry& from, const Entry& to) {
        unlinked(id, from.directory, from.name);
        std::ignore = seen(id, to.directory, to.name, Wait::yes);
    }
    /// A client has given the object another name. `way`: what its handle tells.
    virtual void linked(const ObjectId& id, const Way& /*way*/, const Entry& as) {
        std::ignore = seen(id, as.directory, as.name, Wait::yes);
    }

    /// To be called about once a second.
    virtual void sweep() {}
    /// Of what it was told before, as much is durable from now on as survives a restart at all.
    virtual void synchronize() {}

    /// For the start-up log, without a full stop.
    [[nodiscard]] virtual std::string describe() const = 0;
    /// What has gone wrong since the last time it was asked for, likewise.
    [[nodiscard]] virtual std::optional<std::string> trouble() { return std::nullopt; }
};

}  // namespace berth::vfs::posix
