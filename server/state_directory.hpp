// Where berth keeps what must survive a restart.
#pragma once

#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <boost/filesystem/operations.hpp>
#include <boost/filesystem/path.hpp>

#include "nfs/exports/handle.hpp"
#include "nfs/state/folder.hpp"
#include "nfs/vfs/withheld.hpp"

namespace berth::server {

class StateDirectory {
public:
    /// Makes the directory if need be: the one asked for, else /var/lib/berth for root and
    /// $XDG_STATE_HOME/berth (or ~/.local/state/berth) for others. It is private to its owner; an
    /// existing one keeps its mode, and the log says what others can do in it. If it can't be
    /// written, the server goes on without it, and the log says what that costs. Throws UsageError
    /// if another server uses it, if it contains something that this server would not have made, or
    /// if the file for the key is none.
    ///
    /// Directories above it may belong to others or be writable for them; they could then replace
    /// it by another directory. The log says so.
    explicit StateDirectory(const std::optional<boost::filesystem::path>& asked);

    /// The directory that would be used for `asked`; makes nothing.
    static boost::filesystem::path place(const std::optional<boost::filesystem::path>& asked);

    /// The key that seals handles; a fresh one each time if there is nowhere to keep it.
    [[nodiscard]] exports::HandleKey handle_key() const;
    [[nodiscard]] bool keeps_key() const noexcept { return key_.has_value(); }

    /// The path of a file or directory in it; empty if nothing is kept.
    [[nodiscard]] std::optional<boost::filesystem::path> file(std::string_view name) const {
        return is_kept() ? std::optional{path_ / name} : std::nullopt;
    }

    /// The objects that must not be exported: the directory with everything in it, and the key
    /// under any other name. Null if nothing is kept.
    [[nodiscard]] std::shared_ptr<const vfs::Withheld> withheld() const;

    [[nodiscard]] bool is_kept() const noexcept { return folder_.has_value(); }
    /// The directory as it was opened. Only if is_kept().
    [[nodiscard]] const state::Folder& folder() const { return *folder_; }

    /// Held for as long as somebody has it; empty if nothing is kept.
    using Lock = std::shared_ptr<std::FILE>;
    [[nodiscard]] const Lock& lock() const noexcept { return lock_; }
    /// For the end of the process: another server may use the directory from now on.
    static void release(const Lock& lock) noexcept;

private:
    [[nodiscard]] std::optional<exports::HandleKey> load_key() const;

    boost::filesystem::path path_;
    std::optional<state::Folder> folder_;
    Lock lock_;
    std::optional<exports::HandleKey> key_;
};

}  // namespace berth::server
