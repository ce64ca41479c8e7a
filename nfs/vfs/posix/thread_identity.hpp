// As whom the calling thread touches files. The kernel keeps a file-system identity per thread;
// this is the one place that changes it, and it does so for a scope: an operation acts as its
// caller while its Acting lives, and a thread outside of any operation is the server.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "nfs/vfs/mapped_ids.hpp"
#include "nfs/vfs/posix/abilities.hpp"
#include "nfs/vfs/result.hpp"
#include "nfs/vfs/types.hpp"

namespace berth::vfs::posix {

/// The calling thread acts as somebody until this is destroyed, and then as it did before. Scopes
/// nest. They stay on their thread, and none is begun by a thread that starts another one.
///
/// Where the server itself acts, the supplementary groups may still be a caller's: they decide
/// nothing for whoever may override permissions, no object gets its group from them, and to change
/// them costs as much as a call. A server whose power ends somewhere (Abilities::groups_matter)
/// gives them back too.
class [[nodiscard]] Acting {
public:
    /// As before.
    Acting() noexcept = default;
    Acting(Acting&& other) noexcept;
    Acting& operator=(Acting&&) = delete;
    Acting(const Acting&) = delete;
    Acting& operator=(const Acting&) = delete;
    ~Acting();

    /// As the caller: user, group and supplementary groups. On failure (an id is not mapped) the
    /// thread acts as before.
    static Result<Acting> as(const Identity& caller, const Abilities& abilities);
    /// As the server, with all the powers that it has.
    static Result<Acting> as_server();

    /// Whether this process can act as others and, when it does, loses root's powers over files.
    /// Tried out on the calling thread.
    static bool is_possible(const MappedOwners& mapped);

private:
    using Groups = std::vector<gid_t>;

    Result<void> take_groups(std::span<const gid_t> wanted, bool for_server_too);
    Result<void> take_gid(gid_t wanted);
    Result<void> take_uid(uid_t wanted);

    // What is to be given back.
    std::optional<uid_t> uid_;
    std::optional<gid_t> gid_;
    std::unique_ptr<Groups> groups_;
};

/// Whether the calling thread may do with files what their permissions forbid.
[[nodiscard]] bool overrides_permissions();

/// Whether the calling thread is the server, as the kernel knows it.
[[nodiscard]] bool is_server_acting();

}  // namespace berth::vfs::posix
