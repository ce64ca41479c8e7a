// Which clients have mounted what, as far as they say so: best effort and for display (DUMP);
// nothing depends on it. Kept in a file, so that it survives a restart. Locks itself, never for
// long.
#pragma once

#include <cstddef>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/multi_index/identity.hpp>
#include <boost/multi_index/ordered_index.hpp>
#include <boost/multi_index/sequenced_index.hpp>
#include <boost/multi_index_container.hpp>
#include <boost/thread/synchronized_value.hpp>

#include "mount/protocol.hpp"
#include "nfs/state/store.hpp"

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

    /// Reads `mounts`; malformed entries are skipped and logged. Without a store, which outlives
    /// this, the list ends with the process.
    explicit MountList(state::Store* store = nullptr);
    MountList(const MountList&) = delete;
    MountList& operator=(const MountList&) = delete;

    /// Functions that change the list may wait for a disk; concurrent changes share one write. If
    /// the file can't be written, the log says so and the list goes on.

    /// Adds an entry, or makes it the newest. If there is no room, the oldest entry goes. Texts
    /// that are too long for the protocol are not entered.
    void add(std::string_view host, std::string_view directory);
    void remove(std::string_view host, std::string_view directory);
    /// Removes all entries of this host.
    void remove_all(std::string_view host);

    /// Oldest first.
    [[nodiscard]] std::vector<Entry> all() const;

private:
    /// Oldest first, and by name.
    using Entries = boost::multi_index_container<
        Entry, boost::multi_index::indexed_by<
                   boost::multi_index::sequenced<>,
                   boost::multi_index::ordered_unique<boost::multi_index::identity<Entry>>>>;
    using ByName = Entries::nth_index<1>::type;
    using Change = state::Store::Change;

    void enter(Entries& entries, const Entry& entry);
    Change erase(Entries& entries, ByName::iterator entry);
    /// Waits until the change is on disk, or until writing it has failed.
    void wait_for(Change change);

    boost::synchronized_value<Entries, std::mutex> entries_;
    std::optional<state::Store::File> file_;
};

}  // namespace berth::mount
