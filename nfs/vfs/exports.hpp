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

#include "nfs/vfs/export_options.hpp"
#include "nfs/vfs/file_system.hpp"
#include "nfs/vfs/handle.hpp"

namespace berth::vfs {

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

}  // namespace berth::vfs
