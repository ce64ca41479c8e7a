// The exports, their paths, and the rights of each client. Immutable, so any number of threads may
// use one.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <boost/system/result.hpp>

#include "nfs/exports/client_rules.hpp"
#include "nfs/exports/file.hpp"
#include "nfs/exports/handle.hpp"
#include "nfs/vfs/file_system.hpp"

namespace berth::exports {

/// An entry at which another export's file system is mounted.
struct Crossing {
    vfs::ObjectId directory;
    std::string name;
    ExportId inner{};

    bool operator==(const Crossing&) const = default;
};

/// One exported tree. `id` and `fsid` depend only on the path, or on the given `fsid`, so they stay
/// the same after a restart.
struct Export {
    ExportId id{};
    std::string path;  ///< absolute and normalised: the name that clients use
    std::shared_ptr<vfs::FileSystem> files;
    ClientRules clients;
    std::uint64_t fsid = 0;
    /// The tree is exported because it is mounted below another export (`crossmnt`). Only clients
    /// whose rule has that option see it.
    bool is_nested = false;
    /// Exports mounted in this one; if there are several at one place, the preferred one is first.
    std::vector<Crossing> crossings;
};

/// Throws std::invalid_argument, with a sentence for the user, if the path is not absolute, has a
/// ".." component or contains a NUL.
Export make_export(std::string_view path, std::shared_ptr<vfs::FileSystem> files,
                   std::vector<ClientRule> clients, const std::optional<GivenFsid>& fsid = {});
/// Exports to everyone, with these options.
Export make_export(std::string_view path, std::shared_ptr<vfs::FileSystem> files,
                   const Options& options = {});

/// A file system mounted below `listed`, exported with it to the same clients. `identity`
/// identifies the file system, however it is mounted; together with the id of `listed` it
/// determines the id and the fsid.
Export make_nested_export(const Export& listed, std::string_view path,
                          std::shared_ptr<vfs::FileSystem> files, std::string_view identity);

/// One '/' between components, none at the end, no "." components; "/" for the root. Empty if the
/// path is not absolute, has a ".." component or contains a NUL.
std::optional<std::string> normalised(std::string_view path);

/// An export that a path leads into, and the rest of the path below its root: components separated
/// by one '/', or "".
struct Match {
    const Export* found = nullptr;
    std::string rest;
};

/// The caller, as far as exports distinguish callers.
struct CallOrigin {
    ClientAddress client;
    std::uint16_t port = 0;
};

/// Why a caller is refused.
enum class Refusal : std::uint8_t {
    unlisted,      ///< no entry of the export matches this client
    unknown,       ///< an entry with a name may match, but that has not been found out yet
    insecure_port  ///< the entry requires a port below 1024
};

/// The entry that decides for a caller.
using Admission = boost::system::result<const ClientRule*, Refusal>;

namespace in_force {
class Learning;
struct Answers;
struct Numbered;
}  // namespace in_force

/// All exports, in the order given. Immutable; what its pointers lead to lives as long as it does.
class Table {
public:
    Table();
    /// Throws std::invalid_argument, with a sentence for the user, if two exports have the same
    /// path, the same fsid or (one chance in billions) paths with the same id.
    explicit Table(std::vector<Export> exports);

    [[nodiscard]] std::span<const Export> all() const noexcept;

    /// nullptr if there is none.
    [[nodiscard]] const Export* find(ExportId id) const noexcept;

    /// The exports that are `path` or one of its parents, the longest first. Empty if there is
    /// none, or if normalised() refuses the path.
    [[nodiscard]] std::vector<Match> matches(std::string_view path) const;
    /// How an export of this table treats a caller. Never waits; takes no lock.
    [[nodiscard]] Admission admit(const Export& exported, const CallOrigin& from) const noexcept;

private:
    friend class Exports;
    friend class in_force::Learning;

    std::shared_ptr<const in_force::Numbered>
        exports_;  // shared with tables that know more clients
    std::shared_ptr<const in_force::Answers> answers_;
};

}  // namespace berth::exports
