#include "nfs/vfs/posix/node/node.hpp"

#include <array>
#include <climits>
#include <ctime>

#include <unistd.h>

#include "nfs/vfs/posix/system/access_list.hpp"
#include "nfs/vfs/posix/system/figures.hpp"
#include "nfs/vfs/posix/tree.hpp"

namespace berth::vfs::posix {
Node::Node(Tree& tree, const ObjectId& id, const Way& way, Descriptor path, FileType type,
           Held held, const ObjectId& mark)
    : tree_(tree),
      id_(id),
      way_(way),
      path_(std::move(path)),
      type_(type),
      data_(held == Held::readable_writable ? path_.number() : -1),
      shared_(tree.volume(), mark.bytes().empty() ? id : mark) {
    if (!mark.bytes().empty()) held_.emplace(tree.assigned(), mark, id);
    std::ignore = is_due_for_a_look();  // its maker has just seen where it is
}

Node::~Node() = default;

bool Node::is_due_for_a_look() noexcept {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    const std::int64_t second = now.tv_sec;
    return looked_at_.load(std::memory_order_relaxed) != second &&
           looked_at_.exchange(second, std::memory_order_relaxed) != second;
}

Result<Attributes> Node::attributes(Patience patience) {
    if (patience == Patience::none && tree_.abilities().remote) return would_block;
    struct statx status;
    const auto still = alive(status);
    if (still) return shown(status);
    if (still.error() != stale) return still.error();
    // Releasing a deleted file frees its space, which takes time if the file is large.
    if (patience == Patience::none) return would_block;
    tree_.cache().erase(id_);
    return stale;
}

Result<std::uint8_t> Node::access(const Caller& caller, std::uint8_t permissions,
                                  const Attributes* seen) {
    if (caller.patience == Patience::none && tree_.abilities().remote) return would_block;
    const auto now = look(seen);
    if (!now) return now.error();
    if (caller.patience == Patience::none && would_read_access_list(caller, *now))
        return would_block;
    const auto acting = tree_.act_as(caller);
    if (!acting) return acting.error();
    if (may(caller, *now, permissions)) return permissions;
    int granted = 0;
    for (const int one : {may_read, may_write, may_execute}) {
        if ((permissions & one) != 0 && may(caller, *now, one)) granted |= one;
    }
    return static_cast<std::uint8_t>(granted);
}

Result<Space> Node::space(const Caller& caller) {
    if (caller.patience == Patience::none && tree_.abilities().remote) return would_block;
    if (auto still = alive(); !still) return still.error();
    // Some file systems answer according to the quota of the calling user.
    const auto acting = tree_.act_as(caller);
    if (!acting) return acting.error();
    return space_around(path_.number(), tree_.acting_uid(caller) == 0);
}

Result<Limits> Node::limits(const Caller& caller) {
    if (caller.patience == Patience::none && tree_.abilities().remote) return would_block;
    if (auto still = alive(); !still) return still.error();
    auto limits = tree_.abilities().limits;
    const auto bytes = name_bytes_max(path_.number());
    if (!bytes) return bytes.error();
    limits.name_bytes_max = *bytes;
    return limits;
}

Result<std::string> Node::read_link(const Caller& caller) {
    if (type_ != FileType::symbolic_link) return std::errc::invalid_argument;
    // A link never changes: once read, its text stays in memory for as long as this node exists.
    const bool in_memory = link_read_.load(std::memory_order_relaxed);
    if (caller.patience == Patience::none && (!in_memory || tree_.abilities().remote))
        return would_block;
    std::array<char, PATH_MAX> text;
    const auto length = ::readlinkat(path_.number(), "", text.data(), text.size());
    if (length < 0) return reason(last_error());
    // The kernel reads a removed link like any other.
    if (is_deleted()) return stale;
    link_read_.store(true, std::memory_order_relaxed);
    return std::string{text.data(), static_cast<std::size_t>(length)};
}

Result<void> Node::act_as(const Caller& caller, const Work& work) {
    const auto acting = tree_.act_as(caller);
    if (!acting) return acting.error();
    work();
    return {};
}

std::string Node::place() const {
    const auto path_of = [](int number) {
        std::array<char, PATH_MAX> text;
        const auto length = read_own_link(number, text);
        return std::string{text.data(), length < 0 ? 0 : static_cast<std::size_t>(length)};
    };
    if (is_deleted()) return {};
    auto path = path_of(path_.number());
    const auto root = path_of(tree_.root());
    if (root == "/" || !path.starts_with(root)) return path == "/" ? "" : path;
    return path.substr(root.size());
}

bool Node::is_deleted() const {
    const auto still = alive();
    return !still && still.error() == stale;
}

bool Node::is_known_deleted() const {
    return !tree_.abilities().remote && is_deleted();
}

void Node::take_idle(const Descriptor& stand_in, std::vector<Descriptor>& idle) {
    if (auto writable = data_.take_idle_writable(stand_in)) idle.push_back(std::move(writable));
    if (type_ != FileType::directory) return;
    listings_.take_idle(idle);
    by_name_.drop_idle();
}

// The object's status, or stale if it has lost its last name: nobody can reach it any more.
Result<void> Node::alive(struct statx& found) const {
    if (auto seen = read_status(path_.number(), found); !seen)
        return says_gone(seen.error()) ? stale : seen.error();
    const auto& identity = tree_.identity();
    if (identity.is_gone(found) || is_another(found)) return stale;
    const bool is_deleted = identity.may_go_unseen(found) && is_told_deleted(path_.number()) &&
                            !identity.counts_links_of(path_.number(), found);
    if (is_deleted) return stale;
    return {};
}

// A file system in user space may go by names, and show under one what is open under it now.
bool Node::is_another(const struct statx& found) const noexcept {
    if (!held_ || tree_.identity().changes_looks()) return false;
    std::uint64_t unseen = 0;
    return !inode_.compare_exchange_strong(unseen, found.stx_ino, std::memory_order_relaxed) &&
           unseen != found.stx_ino;
}

Result<void> Node::alive() const {
    struct statx ignored;
    return alive(ignored);
}

Attributes Node::shown(const struct statx& status) const {
    const auto attributes = tree_.attributes_of(id_, status);
    if (attributes.part != 0) is_in_part_.store(true, std::memory_order_relaxed);
    return attributes;
}

Result<Attributes> Node::look(const Attributes* seen) const {
    if (seen != nullptr) return *seen;
    struct statx found;
    if (auto still = alive(found); !still) return still.error();
    return shown(found);
}

// In a removed directory the kernel finds no entry; the missing object is the directory.
std::errc Node::reason(std::errc error) const {
    if (error == std::errc::no_such_file_or_directory && is_deleted()) return stale;
    return error;
}

bool Node::owns(const Caller& caller, const Attributes& now) const {
    const uid_t uid = tree_.acting_uid(caller);
    return uid == 0 || uid == now.uid;
}

// If the object has an access list, the group bits are its mask: without any, the entries for named
// users grant nothing. The owner bits are the owner's own entry.
bool Node::goes_by_mode(const Caller& caller, const Attributes& now) const {
    constexpr std::uint32_t mask = 0070;
    return (now.mode & mask) == 0 || tree_.acting_uid(caller) == now.uid;
}

bool Node::would_read_access_list(const Caller& caller, const Attributes& now) const {
    return tree_.abilities().kernel_access && !goes_by_mode(caller, now) &&
           !access_list_read_.load(std::memory_order_relaxed);
}

bool Node::may(const Caller& caller, const Attributes& now, int permissions) const {
    if (tree_.abilities().kernel_access) {
        const bool granted = check_access(path_.number(), permissions).has_value();
        if (!goes_by_mode(caller, now)) access_list_read_.store(true, std::memory_order_relaxed);
        if (granted || (permissions & may_execute) == 0) return granted;
        const int others = permissions & ~may_execute;
        return may_execute_elsewhere(caller, now) &&
               (others == 0 || check_access(path_.number(), others));
    }
    const int granted = permissions_by_mode(tree_.acting_uid(caller), caller.identity, now);
    return (granted & permissions) == permissions;
}

// Clients may execute files even if the server's mount options forbid that to the server.
bool Node::may_execute_elsewhere(const Caller& caller, const Attributes& now) const {
    constexpr std::uint32_t execution = 0111;
    return type_ == FileType::regular && (now.mode & execution) != 0 &&
           is_mounted_without_execution(path_.number()) &&
           grants_execution(path_.number(), tree_.acting_uid(caller), caller.identity, now);
}

// For reading and writing. Owners need no permission, and root has every permission.
Result<void> Node::permit(const Caller& caller, const Attributes& now, unsigned any_of) const {
    if (owns(caller, now)) return {};
    if (caller.patience == Patience::none && would_read_access_list(caller, now))
        return would_block;
    const auto acting = tree_.act_as(caller);
    if (!acting) return acting.error();
    for (const unsigned one : {may_read, may_write, may_execute}) {
        if ((any_of & one) != 0 && may(caller, now, static_cast<int>(one))) return {};
    }
    return std::errc::permission_denied;
}

}  // namespace berth::vfs::posix
