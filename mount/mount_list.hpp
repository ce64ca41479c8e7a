// Who has mounted what, as far as clients say so: best effort and for show (DUMP), nothing depends
// on it. Kept in a file, so that it is the same after a restart. Locks itself, never for long.
#pragma once

#include <cstddef>
#include <filesystem>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "mount/protocol.hpp"
#include "nfs/vfs/file_keeper.hpp"

namespace berth::mount {

class MountList {
public:
    static constexpr std::size_t entries_max = 8192;

    struct Entry {
        std::string host;       ///< at most name_bytes_max
        std::string directory;  ///< at most path_bytes_max
        // NOLINTNEXTLINE(modernize-use-nullptr): a false alarm of clang-tidy 14
        auto operator<=>(const Entry&) const = default;
    };

    /// Without a file it is gone with the process. What is no entry in it is left out, and logged.
    /// With one it starts a thread: see FileKeeper.
    explicit MountList(std::optional<std::filesystem::path> file = {});

    /// What changes the list may wait for a disk; several changes at once are written once. Where
    /// the file can't be written, the log says so and the list goes on.

    /// Adds, or makes the newest again. When there is no room the oldest goes. Texts that are too
    /// long for the protocol are not entered.
    void add(std::string_view host, std::string_view directory);
    void remove(std::string_view host, std::string_view directory);
    /// Everything of this host.
    void remove_all(std::string_view host);

    /// Oldest first.
    [[nodiscard]] std::vector<Entry> all() const;

private:
    using Entries = std::list<Entry>;

    void read();
    void enter(const Entry& entry);
    [[nodiscard]] std::string text() const;
    void tell(const std::error_code& failure) const;
    /// Waits until what has been changed is on disk, or can't be.
    void save();

    const std::optional<std::filesystem::path> file_;
    mutable std::mutex lock_;
    Entries entries_;  // oldest first
    std::map<Entry, Entries::iterator> places_;
    std::optional<vfs::FileKeeper> keeper_;  // last: its thread uses the rest
};

}  // namespace berth::mount
