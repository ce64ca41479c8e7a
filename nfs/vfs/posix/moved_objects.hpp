// Where clients have moved or linked objects to, as far as the way in a handle that a client may
// hold leads there no more. Few objects of few trees: the store of names is opened when the first
// is told of or asked for. Any thread.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nfs/vfs/posix/name_store.hpp"
#include "nfs/vfs/types.hpp"

namespace berth::vfs::posix {

class MovedObjects {
public:
    /// Null when there is none to be had at this moment. What is not as wanted is added to
    /// `trouble`.
    using OpenStore = std::function<std::unique_ptr<NameStore>(std::string& trouble)>;

    explicit MovedObjects(OpenStore open_store) : open_store_(std::move(open_store)) {}

    [[nodiscard]] std::vector<Place> find(const ObjectId& id);
    /// It is there now, too.
    void put(const ObjectId& id, const ObjectId& directory, std::string_view name);
    /// It is there no more.
    void erase(const ObjectId& id, const ObjectId& directory, std::string_view name);
    /// Whether there has been anything to do yet. If not, erase() need not be called.
    [[nodiscard]] bool is_in_use() const noexcept { return store_.load() != nullptr; }

    /// What was put before is durable from now on, as far as the store is.
    void synchronize();

    /// What has gone wrong since the last time it was asked for, without a full stop.
    [[nodiscard]] std::optional<std::string> trouble();

private:
    NameStore* store();

    const OpenStore open_store_;
    std::mutex opening_;
    std::unique_ptr<NameStore> opened_;
    std::string trouble_;
    std::atomic<NameStore*> store_{nullptr};
};

}  // namespace berth::vfs::posix
