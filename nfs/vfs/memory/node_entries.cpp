// Finds and lists a directory's entries.
#include <limits>
#include <mutex>
#include <vector>

#include "nfs/vfs/memory/node.hpp"
#include "nfs/vfs/memory/permissions.hpp"

namespace berth::vfs::memory {
namespace {

constexpr std::uint64_t cookie_max = std::numeric_limits<std::int64_t>::max();

/// A part of a listing. It is copied under the lock and handed out without it, so `take` may call
/// any operation.
class Page {
public:
    static constexpr std::size_t entries_max = 128;

    [[nodiscard]] bool is_full() const { return entries_.size() == entries_max; }
    void add(std::uint64_t fileid, std::string_view name, std::uint64_t cookie) {
        entries_.push_back({fileid, cookie, names_.size(), name.size()});
        names_ += name;
    }

    /// False if `take` was full. Moves `cookie` past the last entry that was taken.
    bool give_to(const TakeEntry& take, std::uint64_t& cookie) const {
        for (const auto& entry : entries_) {
            const auto name = std::string_view{names_}.substr(entry.name_at, entry.name_bytes);
            if (!take({.fileid = entry.fileid, .name = name, .cookie = entry.cookie})) return false;
            cookie = entry.cookie;
        }
        return true;
    }

private:
    struct Entry {
        std::uint64_t fileid;
        std::uint64_t cookie;
        std::size_t name_at;
        std::size_t name_bytes;
    };

    std::vector<Entry> entries_;
    std::string names_;
};

}  // namespace

Result<void> Node::check_name(std::string_view name) const {
    if (!is_directory()) return std::errc::not_a_directory;
    if (name.empty() || name.find('/') != name.npos || name.find('\0') != name.npos) {
        return std::errc::permission_denied;
    }
    if (name.size() > volume_.limits().name_bytes_max) return std::errc::filename_too_long;
    return {};
}

Result<void> Node::check_search(const Identity& who) const {
    if (!may(who, inode_, may_execute)) return std::errc::permission_denied;
    if (is_gone()) return stale;
    return {};
}

Result<Node*> Node::resolve(const Identity& who, std::string_view name) {
    if (auto valid = check_name(name); !valid) return valid.error();
    if (auto allowed = check_search(who); !allowed) return allowed.error();
    if (name == ".") return this;
    if (name == "..") return entries().parent();
    auto* found = entries().find(name);
    if (found == nullptr) return std::errc::no_such_file_or_directory;
    return found;
}

Result<NodePtr> Node::lookup(const Caller& caller, std::string_view name) {
    const std::shared_lock guard{volume_.lock()};
    const auto found = resolve(caller.identity, name);
    if (!found) return found.error();
    return NodePtr{*found};
}

Result<Listed> Node::peek(const Caller& caller, std::string_view name) {
    const std::shared_lock guard{volume_.lock()};
    const auto found = resolve(caller.identity, name);
    if (!found) return found.error();
    return Listed{.id = (*found)->id(), .attributes = attributes_of((*found)->inode_)};
}

Result<bool> Node::list(const Caller& caller, std::uint64_t cookie, const TakeEntry& take) {
    for (;;) {
        Page page;
        {
            const std::shared_lock guard{volume_.lock()};
            if (!is_directory()) return std::errc::not_a_directory;
            if (is_gone()) return stale;
            if (cookie > cookie_max) return std::errc::invalid_argument;
            if (!may(caller.identity, inode_, may_read)) return std::errc::permission_denied;

            const auto& all = entries();
            if (cookie < Directory::self_position) {
                page.add(inode_.fileid, ".", Directory::self_position);
            }
            if (cookie < Directory::parent_position) {
                page.add(all.parent()->inode_.fileid, "..", Directory::parent_position);
            }
            auto next = all.after(cookie);
            for (; next != all.end() && !page.is_full(); ++next) {
                page.add(next->second.node->inode_.fileid, next->second.name, next->first);
            }
        }
        note_access();
        if (!page.give_to(take, cookie)) return false;
        if (!page.is_full()) return true;
    }
}

}  // namespace berth::vfs::memory
