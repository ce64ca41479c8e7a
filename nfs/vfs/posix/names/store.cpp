#include "nfs/vfs/posix/names/store.hpp"

#include <algorithm>
#include <iterator>
#include <new>

namespace berth::vfs::posix {

std::vector<Place> NamesInMemory::find(const ObjectId& id) {
    const std::lock_guard locked{lock_};
    const auto found = objects_.find(id);
    if (found == objects_.end()) return {};
    touch(found->second);
    std::vector<Place> places;
    places.reserve(found->second.size());
    std::transform(found->second.rbegin(), found->second.rend(), std::back_inserter(places),
                   [](const auto& name) { return name->place; });
    return places;
}

void NamesInMemory::put(const ObjectId& id, const ObjectId& directory, std::string_view name) {
    const std::lock_guard locked{lock_};
    // Using anything in a directory counts as using the directory; its names must not be forgotten
    // before those of its entries.
    if (const auto parent = objects_.find(directory); parent != objects_.end())
        touch(parent->second);
    if (const auto found = objects_.find(id); found != objects_.end()) {
        Names& names = found->second;
        const auto known = std::ranges::find_if(names, [&](const auto& one) {
            return one->place.directory == directory && one->place.name == name;
        });
        if (known != names.end()) {
            std::rotate(known, std::next(known), names.end());
            entries_.splice(entries_.end(), entries_, names.back());
            return;
        }
        if (names.size() >= names_per_object_max) erase(found, names.begin());
    }
    if (entries_.size() >= names_max_ && !entries_.empty()) {
        const auto oldest = entries_.begin();
        const auto object = objects_.find(oldest->id);
        erase(object, std::ranges::find(object->second, oldest));
    }
    Entries own;  // without memory the name is in neither of the two
    own.push_back({id, {directory, std::string{name}}});
    const auto [object, is_new] = objects_.try_emplace(id);
    try {
        object->second.push_back(own.begin());
    } catch (const std::bad_alloc&) {
        if (is_new) objects_.erase(object);
        throw;
    }
    entries_.splice(entries_.end(), own);
}

void NamesInMemory::erase(const ObjectId& id, const ObjectId& directory, std::string_view name) {
    const std::lock_guard locked{lock_};
    const auto found = objects_.find(id);
    if (found == objects_.end()) return;
    const auto known = std::ranges::find_if(found->second, [&](const auto& one) {
        return one->place.directory == directory && one->place.name == name;
    });
    if (known != found->second.end()) erase(found, known);
}

std::string NamesInMemory::describe() const {
    return "names kept in memory (at most " + std::to_string(names_max_) +
           "), which do not survive a restart: clients must mount again";
}

void NamesInMemory::touch(const Names& names) {
    for (const auto& name : names) entries_.splice(entries_.end(), entries_, name);
}

void NamesInMemory::erase(Objects::iterator object, Names::iterator name) {
    entries_.erase(*name);
    object->second.erase(name);
    if (object->second.empty()) objects_.erase(object);
}

}  // namespace berth::vfs::posix
