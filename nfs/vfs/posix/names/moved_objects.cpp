#include "nfs/vfs/posix/names/moved_objects.hpp"

#include <utility>

namespace berth::vfs::posix {

std::vector<Place> MovedObjects::find(const ObjectId& id) {
    auto* const names = store();
    if (names == nullptr) return {};
    return names->find(id);
}

void MovedObjects::put(const ObjectId& id, const ObjectId& directory, std::string_view name) {
    if (auto* const names = store()) names->put(id, directory, name);
}

bool MovedObjects::put_at_once(const ObjectId& id, const ObjectId& directory,
                               std::string_view name) {
    return is_in_use() && store_.load()->put_at_once(id, directory, name);
}

void MovedObjects::erase(const ObjectId& id, const ObjectId& directory, std::string_view name) {
    auto* const names = may_know() ? store() : nullptr;
    if (names != nullptr) names->erase(id, directory, name);
}

void MovedObjects::synchronize() {
    if (is_in_use()) static_cast<void>(store_.load()->synchronize());
}

std::optional<std::string> MovedObjects::trouble() {
    if (!is_in_use()) return std::nullopt;
    const std::scoped_lock alone{opening_};
    if (!trouble_.empty()) return std::exchange(trouble_, {});
    return opened_->trouble();
}

NameStore* MovedObjects::store() {
    if (auto* const open_already = store_.load()) return open_already;
    const std::scoped_lock alone{opening_};
    if (!opened_) {
        opened_ = open_store_(trouble_);
        store_.store(opened_.get());
    }
    return opened_.get();
}

}  // namespace berth::vfs::posix
