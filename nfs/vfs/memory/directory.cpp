#include "nfs/vfs/memory/directory.hpp"

#include <algorithm>
#include <cassert>

namespace berth::vfs::memory {

Node* Directory::find(std::string_view name) const {
    const auto found = positions_.find(name);
    return found == positions_.end() ? nullptr : entries_.at(found->second).node;
}

std::uint64_t Directory::add(std::string_view name, Node* node) {
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
    return position;
}

std::uint64_t Directory::replace(std::string_view name, Node* node) {
    const auto position = positions_.at(name);
    entries_.at(position).node = node;
    return position;
}

std::string_view Directory::name_of(const Node* node, std::uint64_t position) const {
    const auto found = entries_.find(position);
    if (found == entries_.end() || found->second.node != node) return {};
    return found->second.name;
}

std::uint64_t Directory::position_of(const Node* node) const {
    const auto found = std::ranges::find(
        entries_, node, [](const Entries::value_type& entry) { return entry.second.node; });
    return found == entries_.end() ? 0 : found->first;
}

void Directory::remove(std::string_view name) {
    const auto found = positions_.find(name);
    assert(found != positions_.end());
    const auto position = found->second;
    positions_.erase(found);  // first, because its key lies in the entry
    entries_.erase(position);
}

}  // namespace berth::vfs::memory
