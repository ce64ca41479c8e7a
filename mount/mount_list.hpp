// Who has mounted what, as far as clients say so: best effort and for show (DUMP), nothing depends
// on it. In memory; gone with the process. Locks itself, never for long.
#pragma once

#include <cstddef>
#include <list>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "mount/protocol.hpp"

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

    mutable std::mutex lock_;
    Entries entries_;  // oldest first
    std::map<Entry, Entries::iterator> places_;
};

}  // namespace berth::mount
