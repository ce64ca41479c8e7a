// One file of the state directory: records, one after the other. It is read once, then only the one
// thread that keeps it writes to it. The remains of a failed write are cut off, or else the next
// write replaces the whole file: nothing is ever appended to a file that is not whole.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nfs/state/file/record.hpp"
#include "nfs/state/file/table.hpp"
#include "nfs/state/folder.hpp"
#include "nfs/vfs/descriptor.hpp"
#include "nfs/vfs/result.hpp"

namespace berth::state::file {

class Log {
public:
    /// `folder` outlives this.
    Log(const Folder& folder, std::string name, Folder::Synchronize synchronize);

    struct Found {
        bool is_cut = false;      ///< the last write was not finished
        bool is_damaged = false;  ///< damaged or unreadable: some records may be missing
        std::string reason;       ///< of damage
        std::string aside;        ///< the name of the damaged file that is kept; empty: none is
    };
    /// Takes a text that is not a file of this kind, but may be one of an earlier version. True: it
    /// was.
    using Convert = std::function<bool(const std::string& text)>;
    /// Reports the file's records. A damaged file gets a second name, and keeps its own until a new
    /// file takes its place; otherwise a crash meanwhile would hide the damage from the next start.
    Found load(const std::function<void(const Record&)>& tell, const Convert& convert);

    /// Identifies the file that holds all of this; empty: there is no such file.
    [[nodiscard]] std::optional<Folder::Identity> identity() const { return identity_; }

    /// Checks that the file can be appended to, and prepares it for that.
    [[nodiscard]] bool is_ready();
    /// Whether much of the file is dead records.
    [[nodiscard]] bool is_wasteful(std::size_t live_bytes) const;

    /// On disk on return. After an error the file is unchanged, as far as can be known.
    vfs::Result<void> append(const std::vector<Table::Pending>& changes);
    /// Writes `all` to a new file.
    vfs::Result<void> rewrite(const std::vector<Table::Pending>& all);

private:
    Found damaged(std::string reason);
    [[nodiscard]] std::string name_aside() const;
    [[nodiscard]] bool is_same_file(const std::string& other) const;
    [[nodiscard]] bool open_for_append();

    const Folder& folder_;
    const std::string name_;
    const Folder::Synchronize synchronize_;
    std::optional<Folder::Identity> identity_;
    vfs::Descriptor file_;
    std::size_t size_ = 0;        // of the whole records
    std::size_t tail_ = 0;        // bytes of a torn record after them, to be cut off
    std::size_t compact_at_ = 0;  // must be rewritten
    bool is_broken_ = false;      // must be written anew
    bool is_in_the_way_ = false;  // a damaged file has no second name yet
};

}  // namespace berth::state::file
