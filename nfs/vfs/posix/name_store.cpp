#include "nfs/vfs/posix/name_store.hpp"

namespace berth::vfs::posix {

std::optional<Place> NamesInMemory::find(const ObjectId& id) {
    const std::lock_guard locked{lock_};
    const auto found = by_id_.find(id);
    if (found == by_id_.end()) return std::nullopt;
    return touch(found->second)->place;
}

void NamesInMemory::put(const ObjectId& id, const ObjectId& directory, std::string_view name) {
    const std::lock_guard locked{lock_};
    // A directory is used whenever something in it is; its own name must not be forgotten before
    // theirs.
    if (const auto parent = by_id_.find(directory); parent != by_id_.end()) touch(parent->second);
    if (const auto found = by_id_.find(id); found != by_id_.end()) {
        Place& place = touch(found->second)->place;
        if (place.directory == directory && place.name == name) return;
        place.directory = directory;
        place.name = name;
        return;
    }
    if (entries_.size() >= names_max_ && !entries_.empty()) {
        by_id_.erase(entries_.front().id);
        entries_.pop_front();
    }
    entries_.push_back({id, {directory, std::string{name}}});
    by_id_.emplace(id, std::prev(entries_.end()));
}

void NamesInMemory::erase(const ObjectId& id, const ObjectId& directory, std::string_view name) {
    const std::lock_guard locked{lock_};
    const auto found = by_id_.find(id);
    if (found == by_id_.end()) return;
    const Place& place = found->second->place;
    if (!(place.directory == directory) || place.name != name) return;
    entries_.erase(found->second);
    by_id_.erase(found);
}

std::string NamesInMemory::describe() const {
    return "names kept in memory (at most " + std::to_string(names_max_) +
           "), which do not survive a restart: clients must mount again";
}

NamesInMemory::Entries::iterator NamesInMemory::touch(Entries::iterator entry) {
    entries_.splice(entries_.end(), entries_, entry);
    return entry;
}

}  // namespace berth::vfs::posix
