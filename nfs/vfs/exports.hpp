// What is exported, under which path, to be treated how. Built once at start-up and then only read,
// so any number of threads may use it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <boost/container/small_vector.hpp>

#include "nfs/vfs/file_system.hpp"
#include "nfs/vfs/handle.hpp"
#include "nfs/vfs/types.hpp"

namespace berth::vfs {

/// Whose claims of identity are not believed; as in exports(5).
enum class Squash : std::uint8_t {
    none,  ///< everybody is who they say
    root,  ///< uid 0 and gid 0 become anonymous
    all,   ///< everybody is anonymous
};

struct ExportOptions {
    bool read_only = false;
    Squash squash = Squash::root;
    uid_t anonymous_uid = 65534;
    gid_t anonymous_gid = 65534;
    /// What a reply says is on disk. False trades that for speed, as `async` in exports(5).
    bool sync = true;
};

/// One exported tree. `id` and `fsid` follow from the path alone, so they are the same after a
/// restart.
struct Export {
    ExportId id{};
    std::string path;  ///< absolute and normalised: as clients name it
    std::shared_ptr<FileSystem> files;
    ExportOptions options;
    std::uint64_t fsid = 0;
};

/// Throws std::invalid_argument, with a sentence for the user, when the path is not absolute, has a
/// ".." component or a NUL.
Export make_export(std::string_view path, std::shared_ptr<FileSystem> files,
                   const ExportOptions& options = {});

/// One '/' between components, none at the end, no "." components; "/" for the root. Empty when the
/// path is not absolute, has a ".." component or a NUL.
std::optional<std::string> normalised(std::string_view path);

/// The export that a path leads into, and the way from its root: components separated by one '/',
/// or "".
struct ExportMatch {
    const Export* found = nullptr;
    std::string rest;
};

/// All exports, in the order given. They never change, and what is pointed to lives as long as this
/// does.
class Exports {
public:
    Exports() = default;
    /// Throws std::invalid_argument, with a sentence for the user, when two have the same path or
    /// (one chance in billions) paths with the same id.
    explicit Exports(std::vector<Export> exports);

    [[nodiscard]] std::span<const Export> all() const noexcept { return exports_; }

    /// nullptr when there is none.
    [[nodiscard]] const Export* find(ExportId id) const noexcept;

    /// The longest export that is `path` or one of its parents. Empty when there is none, or when
    /// normalised() refuses the path.
    [[nodiscard]] std::optional<ExportMatch> match(std::string_view path) const;

private:
    std::vector<Export> exports_;
};

/// Room for the supplementary groups of one call.
using Groups = boost::container::small_vector<gid_t, 16>;

/// The one identity of everybody who is not believed. No groups.
[[nodiscard]] Identity anonymous(const ExportOptions& options) noexcept;

/// Whom to take the caller for who says it is `claimed`. The groups of the answer are those of
/// `claimed` or lie in `storage`. The id 0xFFFFFFFF, which no file may belong to, is anonymous too,
/// and left out of the groups. Callers that claim nothing (AUTH_NONE) are anonymous().
[[nodiscard]] Identity squash(const ExportOptions& options, const Identity& claimed,
                              Groups& storage);

}  // namespace berth::vfs
