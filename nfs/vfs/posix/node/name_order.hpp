// Listings in an order that depends on the entries' names alone, for directories whose own
// positions are valid only for one open descriptor, and shift when entries are removed. Here a
// cookie is the hash of a name and is good for ever; a listing goes on with the names that have
// larger hashes. Each page requires a look at the whole directory, so the result of a look is kept
// while it is of use. Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include <boost/thread/synchronized_value.hpp>

#include "nfs/vfs/file_system.hpp"
#include "nfs/vfs/result.hpp"

namespace berth::vfs::posix {

class NameOrder {
public:
    /// Visits all entries that the directory has now; their cookies are ignored.
    using VisitAll = std::function<Result<void>(const TakeEntry& take)>;

    /// As Node::list().
    Result<bool> list(std::uint64_t cookie, const VisitAll& visit_all, const TakeEntry& take);

    /// Releases what nobody has used since the last call.
    void drop_idle();

    /// The position after the entry with this name: never 0, at most 2^63-1.
    [[nodiscard]] static std::uint64_t cookie_of(std::string_view name);

private:
    struct Entry {
        std::uint64_t cookie = 0;
        std::uint64_t fileid = 0;
        std::string name;
    };
    /// All entries after a cookie in order, or as many as are kept at a time.
    struct Window;
    using WindowPtr = std::shared_ptr<const Window>;
    struct Kept {
        WindowPtr window;
        /// How many listings have begun. A look from before the last one began may lack entries
        /// that this one must show.
        std::uint64_t begun = 0;
        bool used = false;
    };

    [[nodiscard]] WindowPtr kept_for(std::uint64_t cookie);
    [[nodiscard]] std::uint64_t begin(std::uint64_t cookie);
    Result<WindowPtr> look(std::uint64_t cookie, const VisitAll& visit_all);

    boost::synchronized_value<Kept, std::mutex> kept_;
};

}  // namespace berth::vfs::posix
