// What is exported, under which path, and what each client may do there. Never changes, so any
// number of threads may use one.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <boost/system/result.hpp>

#include "nfs/vfs/client_rules.hpp"
#include "nfs/vfs/exports_file.hpp"
#include "nfs/vfs/file_system.hpp"
#include "nfs/vfs/handle.hpp"

namespace berth::vfs {

/// Names an entry at which another export's file system is mounted.
struct Crossing {
    ObjectId directory;
    std::string name;
    ExportId inner{};

    bool operator==(const Crossing&) const = default;
};

/// One exported tree. `id` and `fsid` follow from the path alone, or from the `fsid` that it was
/// given, so they are the same after a restart.
struct Export {
    ExportId id{};
    std::string path;  ///< absolute and normalised: as clients name it
    std::shared_ptr<FileSystem> files;
    ClientRules clients;
    std::uint64_t fsid = 0;
    /// Of a tree that is exported because it is mounted below another export (`crossmnt`). Only
    /// those see it whose rule has that option.
    bool is_nested = false;
    /// What is mounted in this one and exported too; of several at one place, the most wanted
    /// first.
    std::vector<Crossing> crossings;
};

/// Throws std::invalid_argument, with a sentence for the user, when the path is not absolute, has a
/// ".." component or a NUL.
Export make_export(std::string_view path, std::shared_ptr<FileSystem> files,
                   std::vector<ClientRule> clients, const std::optional<GivenFsid>& fsid = {});
/// To everyone, with these options.
Export make_export(std::string_view path, std::shared_ptr<FileSystem> files,
                   const ExportOptions& options = {});

/// What is mounted below `listed` and exported with it, to the same clients. `identity`: what the
/// file system is told by, whichever way it is mounted; with the id of `listed` it makes the id and
/// the fsid.
Export make_nested_export(const Export& listed, std::string_view path,
                          std::shared_ptr<FileSystem> files, std::string_view identity);

/// One '/' between components, none at the end, no "." components; "/" for the root. Empty when the
/// path is not absolute, has a ".." component or a NUL.
std::optional<std::string> normalised(std::string_view path);

/// An export that a path leads into, and the way from its root: components separated by one '/', or
/// "".
struct ExportMatch {
    const Export* found = nullptr;
    std::string rest;
};

/// Who calls, as far as exports tell callers apart.
struct CallOrigin {
    ClientAddress client;
    std::uint16_t port = 0;
};

/// Why a caller is turned away.
enum class Refusal : std::uint8_t {
    unlisted,      ///< no entry of the export means this client
    unknown,       ///< an entry with a name may mean it, and who it is has not been found out
    insecure_port  ///< the entry wants a port below 1024
};

/// The entry that decides for a caller.
using Admission = boost::system::result<const ClientRule*, Refusal>;

namespace exports {
class Learning;
struct Answers;
struct Numbered;
}  // namespace exports

/// All exports, in the order given. It never changes, and what is pointed to lives as long as this
/// does.
class ExportTable {
public:
    ExportTable();
    /// Throws std::invalid_argument, with a sentence for the user, when two have the same path, the
    /// same fsid or (one chance in billions) paths with the same id.
    explicit ExportTable(std::vector<Export> exports);

    [[nodiscard]] std::span<const Export> all() const noexcept;

    /// nullptr when there is none.
    [[nodiscard]] const Export* find(ExportId id) const noexcept;

    /// The exports that are `path` or one of its parents, the longest first. Empty when there is
    /// none, or when normalised() refuses the path.
    [[nodiscard]] std::vector<ExportMatch> matches(std::string_view path) const;
    /// What an export of this table has to say to a caller. Never waits; takes no lock.
    [[nodiscard]] Admission admit(const Export& exported, const CallOrigin& from) const noexcept;

private:
    friend class Exports;
    friend class exports::Learning;

    std::shared_ptr<const exports::Numbered> exports_;  // the same in tables that know more clients
    std::shared_ptr<const exports::Answers> answers_;
};

}  // namespace berth::vfs
