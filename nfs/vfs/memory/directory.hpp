// The entries of a directory, by name and in listing order. The caller does the locking.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>

namespace berth::vfs::memory {

class Node;

/// Every entry has a position that it keeps for life and that is never reused. A listing can
/// therefore go on from a position whatever is created and removed meanwhile. "." and ".." are not
/// entries here.
class Directory {
public:
    struct Entry {
        std::string name;
        Node* node;
    };
    using Entries = std::map<std::uint64_t, Entry>;

    /// The positions of "." and "..".
    static constexpr std::uint64_t self_position = 1;
    static constexpr std::uint64_t parent_position = 2;

    /// The root's `parent` is the root.
    explicit Directory(Node* parent) : parent_(parent) {}

    [[nodiscard]] Node* parent() const { return parent_; }
    void move_to(Node* parent) { parent_ = parent; }

    [[nodiscard]] bool empty() const { return entries_.empty(); }
    /// nullptr if there is none.
    [[nodiscard]] Node* find(std::string_view name) const;

    /// The name at this position; empty if there is none, or if it is of another object.
    [[nodiscard]] std::string_view name_of(const Node* node, std::uint64_t position) const;
    /// A position of the object; 0 if it has none here.
    [[nodiscard]] std::uint64_t position_of(const Node* node) const;

    /// The name must be free; returns its position. If memory runs out, it throws and adds nothing.
    std::uint64_t add(std::string_view name, Node* node);
    /// The name must exist; the entry keeps its position, which is returned.
    std::uint64_t replace(std::string_view name, Node* node);
    /// The name must exist.
    void remove(std::string_view name);

    /// The entries after a position.
    [[nodiscard]] Entries::const_iterator after(std::uint64_t position) const {
        return entries_.upper_bound(position);
    }
    [[nodiscard]] Entries::const_iterator end() const { return entries_.end(); }

private:
    Node* parent_;
    Entries entries_;
    std::unordered_map<std::string_view, std::uint64_t> positions_;  // the names lie in entries_
    std::uint64_t next_position_ = parent_position + 1;
};

}  // namespace berth::vfs::memory
