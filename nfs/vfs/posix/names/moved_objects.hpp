// Where clients have moved or linked objects to, if the way in a handle that a client may hold no
// longer leads there. This concerns few objects of few trees, so the store of names is opened at
// its first use. Any thread.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nfs/vfs/posix/names/store.hpp"
#include "nfs/vfs/types.hpp"

namespace berth::vfs::posix {

class MovedObjects {
public:
    /// Null if no store can be had at this moment. Problems are appended to `trouble`.
    using OpenStore = std::function<std::unique_ptr<NameStore>(std::string& trouble)>;

    /// `may_know`: whether the store may have names from before the process began.
    MovedObjects(OpenStore open_store, bool may_know)
        : open_store_(std::move(open_store)),
          may_know_(may_know) {}

    [[nodiscard]] std::vector<Place> find(const ObjectId& id);
    /// The object is there now, too.
    void put(const ObjectId& id, const ObjectId& directory, std::string_view name);
    /// The same if it need not wait for anything; otherwise false, and nothing has changed.
    [[nodiscard]] bool put_at_once(const ObjectId& id, const ObjectId& directory,
                                   std::string_view name);
    /// The object is no longer there.
    void erase(const ObjectId& id, const ObjectId& directory, std::string_view name);

    /// Whether there may be something to find. If not, erase() need not be called.
    [[nodiscard]] bool may_know() const noexcept { return may_know_ || is_in_use(); }
    /// Whether the next call will find the store open.
    [[nodiscard]] bool is_in_use() const noexcept { return store_.load() != nullptr; }

    /// Makes everything put before durable, as far as the store is.
    void synchronize();

    /// Errors since the last call, without a full stop.
    [[nodiscard]] std::optional<std::string> trouble();

private:
    NameStore* store();

    const OpenStore open_store_;
    const bool may_know_;
    std::mutex opening_;
    std::unique_ptr<NameStore> opened_;
    std::string trouble_;
    std::atomic<NameStore*> store_{nullptr};
};

}  // namespace berth::vfs::posix
