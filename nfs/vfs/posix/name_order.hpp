// Listings in an order that follows from the entries' names alone. For directories whose own
// positions mean something to one open descriptor only, and move on when entries are removed: here
// a cookie is the hash of a name, good for ever, and a listing goes on with the names whose hashes
// are larger. Each page takes a look at the whole directory, so what one look found is kept while
// it is of use. Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "nfs/vfs/file_system.hpp"
#include "nfs/vfs/result.hpp"

namespace berth::vfs::posix {

class NameOrder {
public:
    /// Visits all entries of the directory as they are now; their cookies are not looked at.
    using VisitAll = std::function<Result<void>(const TakeEntry& take)>;

    /// As Node::list().
    Result<bool> list(std::uint64_t cookie, const VisitAll& visit_all, const TakeEntry& take);

    /// Lets go of what nobody asked for since the last call.
    void drop_idle();

    /// The position after the entry with this name: never 0, at most 2^63-1.
    [[nodiscard]] static std::uint64_t cookie_of(std::string_view name);

private:
    struct Entry {
        std::uint64_t cookie = 0;
        std::uint64_t fileid = 0;
        std::string name;
    };
    /// All entries after a cookie, or as many as are kept at a time, in order.
    struct Window;
    using WindowPtr = std::shared_ptr<const Window>;

    [[nodiscard]] WindowPtr kept_for(std::uint64_t cookie);
    [[nodiscard]] std::uint64_t begin(std::uint64_t cookie);
    Result<WindowPtr> look(std::uint64_t cookie, const VisitAll& visit_all);

    std::mutex lock_;
    WindowPtr kept_;
    /// Listings begun: what was seen before the last of them began may lack what that one must
    /// show.
    std::uint64_t begun_ = 0;
    bool used_ = false;
};

}  // namespace berth::vfs::posix
