#include "nfs/vfs/memory/directory.hpp"

#include <cassert>

namespace berth::vfs::memory {

Node* Directory::find(std::string_view name) const {
    const auto found = positions_.find(name);
    return found == positions_.end() ? nullptr : entries_.at(found->second).node;
}

void Directory::add(std::string_view name, Node* node) {
    assert(!positions_.contains(name));
    const auto position = next_position_++;
    const auto added =
        entries_.emplace_hint(entries_.end(), position, Entry{std::string{name}, node});
    try {
        positions_.emplace(added->second.name, position);
    } catch (...) {
        entries_.erase(added);
        throw;
    }
}

void Directory::replace(std::string_view name, Node* node) {
    entries_.at(positions_.at(name)).node = node;
}

void Directory::remove(std::string_view name) {
    const auto found = positions_.find(name);
    assert(found != positions_.end());
    const auto position = found->second;
    positions_.erase(found);  // first, because its key lies in the entry
    entries_.erase(position);
}

}  // namespace berth::vfs::memory
