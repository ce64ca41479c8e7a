// The identity under which the calling thread touches files. The kernel keeps a file-system
// identity per thread; only this file changes it, and only for a scope: an operation acts as its
// caller while its Acting lives, and outside of any operation a thread is the server - unless it
// has announced that it goes on to the next call at once (kept_identity.hpp).
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "nfs/vfs/mapped_ids.hpp"
#include "nfs/vfs/posix/system/abilities.hpp"
#include "nfs/vfs/result.hpp"
#include "nfs/vfs/types.hpp"

namespace berth::vfs::posix {

/// Gives the calling thread another identity until it is destroyed; then the previous one returns.
/// Scopes nest. They stay on their thread, and a thread begins none while it starts another thread.
///
/// Where the server itself acts, the supplementary groups may still be a caller's: they matter to
/// nobody who may override permissions, no object gets its group from them, and changing them costs
/// as much as a call. A server that can't override everything (Abilities::groups_matter) restores
/// them too.
class [[nodiscard]] Acting {
public:
    /// Changes nothing.
    Acting() noexcept = default;
    Acting(Acting&& other) noexcept;
    Acting& operator=(Acting&&) = delete;
    Acting(const Acting&) = delete;
    Acting& operator=(const Acting&) = delete;
    ~Acting();

    /// Acts as the caller: user, group and supplementary groups. On failure (an id is not mapped)
    /// the thread keeps its identity.
    static Result<Acting> as(const Identity& caller, const Abilities& abilities);
    /// Acts as the server, with all its powers.
    static Result<Acting> as_server();

    /// Whether this process can act as others, and loses root's powers over files when it does.
    /// Tried on the calling thread.
    static bool is_possible(const MappedOwners& mapped);

private:
    using Groups = std::vector<gid_t>;
    struct Begun {};

    explicit Acting(Begun) noexcept;

    Result<void> take_groups(std::span<const gid_t> wanted, bool for_server_too);
    Result<void> take_gid(gid_t wanted);
    Result<void> take_uid(uid_t wanted);

    [[nodiscard]] static bool ends_later() noexcept;

    bool is_scope_ = false;
    // The values to restore.
    std::optional<uid_t> uid_;
    std::optional<gid_t> gid_;
    std::unique_ptr<Groups> groups_;
};

/// Whether the calling thread's file-system identity is uid 0. Asks no system call.
[[nodiscard]] bool acts_as_root() noexcept;

/// Whether the calling thread may override the permissions of files.
[[nodiscard]] bool overrides_permissions();

/// To be called before the calling thread opens something outside of any scope, so that it opens as
/// the server, whichever identity it has kept. Ends the process as give_identity_back() does.
void drop_kept_identity() noexcept;

}  // namespace berth::vfs::posix
