#include "nfs/vfs/posix/names/store.hpp"

#include <algorithm>
#include <iterator>
#include <new>

namespace berth::vfs::posix {

std::vector<Place> NamesInMemory::find(const ObjectId& id) {
    auto kept = kept_.synchronize();
    const auto found = kept->objects.find(id);
    if (found == kept->objects.end()) return {};
    kept->touch(found->second);
    std::vector<Place> places;
    places.reserve(found->second.size());
    std::transform(found->second.rbegin(), found->second.rend(), std::back_inserter(places),
                   [](const auto& name) { return name->place; });
    return places;
}

void NamesInMemory::put(const ObjectId& id, const ObjectId& directory, std::string_view name) {
    auto kept = kept_.synchronize();
    auto& [entries, objects] = *kept;
    // Using anything in a directory counts as using the directory; its names must not be forgotten
    // before those of its entries.
    if (const auto parent = objects.find(directory); parent != objects.end())
        kept->touch(parent->second);
    if (const auto found = objects.find(id); found != objects.end()) {
        Names& names = found->second;
        const auto known = std::ranges::find_if(names, [&](const auto& one) {
            return one->place.directory == directory && one->place.name == name;
        });
        if (known != names.end()) {
            std::rotate(known, std::next(known), names.end());
            entries.splice(entries.end(), entries, names.back());
            return;
        }
        if (names.size() >= names_per_object_max) kept->erase(found, names.begin());
    }
    if (entries.size() >= names_max_ && !entries.empty()) {
        const auto oldest = entries.begin();
        const auto object = objects.find(oldest->id);
        kept->erase(object, std::ranges::find(object->second, oldest));
    }
    Entries own;  // without memory the name is in neither of the two
    own.push_back({id, {directory, std::string{name}}});
    const auto [object, is_new] = objects.try_emplace(id);
    try {
        object->second.push_back(own.begin());
    } catch (const std::bad_alloc&) {
        if (is_new) objects.erase(object);
        throw;
    }
    entries.splice(entries.end(), own);
}

void NamesInMemory::erase(const ObjectId& id, const ObjectId& directory, std::string_view name) {
    auto kept = kept_.synchronize();
    const auto found = kept->objects.find(id);
    if (found == kept->objects.end()) return;
    const auto known = std::ranges::find_if(found->second, [&](const auto& one) {
        return one->place.directory == directory && one->place.name == name;
    });
    if (known != found->second.end()) kept->erase(found, known);
}

std::string NamesInMemory::describe() const {
    return "names kept in memory (at most " + std::to_string(names_max_) + ")";
}

void NamesInMemory::Kept::touch(const Names& names) {
    for (const auto& name : names) entries.splice(entries.end(), entries, name);
}

void NamesInMemory::Kept::erase(Objects::iterator object, Names::iterator name) {
    entries.erase(*name);
    object->second.erase(name);
    if (object->second.empty()) objects.erase(object);
}

}  // namespace berth::vfs::posix
