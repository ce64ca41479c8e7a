#include <algorithm>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "nfs/vfs/posix.hpp"
#include "nfs/vfs/posix/name_journal.hpp"
#include "nfs/vfs/posix/node.hpp"
#include "nfs/vfs/posix/tree.hpp"

namespace berth::vfs::posix {
namespace {

constexpr std::size_t nodes_max_by_default = 16384;

// A node of a busy file or directory holds up to four descriptors.
constexpr std::size_t descriptors_per_node = 4;

std::size_t descriptors_max() {
    rlimit limit{};
    return ::getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : 1024;
}

// The largest offset at which a file here can end, found by asking to seek there.
std::uint64_t largest_file(int root) {
    constexpr std::uint64_t offset_max = INT64_MAX;
    auto file = open_at(root, ".", O_TMPFILE | O_RDWR, 0600);
    if (!file) return offset_max;
    std::uint64_t fits = 0;
    std::uint64_t beyond = offset_max;
    if (::lseek(file->number(), static_cast<off_t>(beyond), SEEK_SET) >= 0) return beyond;
    while (beyond - fits > 1) {
        const std::uint64_t middle = fits + (beyond - fits) / 2;
        const bool possible = ::lseek(file->number(), static_cast<off_t>(middle), SEEK_SET) >= 0;
        (possible ? fits : beyond) = middle;
    }
    return fits;
}

Limits find_limits(int root) {
    Limits limits;
    struct statvfs figures {};
    if (::fstatvfs(root, &figures) == 0) {
        limits.name_bytes_max = static_cast<std::uint32_t>(figures.f_namemax);
    }
    if (const long links = ::fpathconf(root, _PC_LINK_MAX); links > 0) {
        limits.links_max = static_cast<std::uint32_t>(std::min<long>(links, UINT32_MAX));
    }
    limits.file_bytes_max = largest_file(root);
    return limits;
}

}  // namespace

boost::system::result<std::unique_ptr<FileSystem>, OpenError> open(const std::string& path,
                                                                   const Options& options) {
    const auto failed = [&](std::errc code, const char* what) {
        return OpenError{code, path + ": " + what + ": " + std::make_error_code(code).message()};
    };
    auto root = open_at(AT_FDCWD, path.c_str(), O_RDONLY | O_DIRECTORY);
    if (!root) return failed(root.error(), "cannot open the directory to export");
    if (::access(ReopenPath{root->number()}.text(), F_OK) != 0) {
        return failed(last_error(), "cannot reach it through /proc/self/fd, which must be mounted");
    }
    Options decided = options;
    if (decided.name_in_journal.empty()) decided.name_in_journal = path;
    if (decided.nodes_max == 0) {
        decided.nodes_max =
            std::min(descriptors_max() / descriptors_per_node, nodes_max_by_default);
    }
    const Limits limits = find_limits(root->number());
    auto tree = Tree::make(std::move(*root), decided);
    if (!tree) return failed(tree.error(), "cannot be exported");
    return std::make_unique<FileSystem>(std::move(*tree), limits);
}

void throw_exception_from_error(const OpenError& error, const boost::source_location&) {
    throw std::system_error{std::make_error_code(error.code), error.reason};
}

std::shared_ptr<NameJournal> journal_in(const std::filesystem::path& directory) {
    return std::make_shared<NameJournal>(directory);
}

FileSystem::FileSystem(std::unique_ptr<Tree> tree, const Limits& limits)
    : tree_(std::move(tree)),
      limits_(limits) {}

FileSystem::~FileSystem() = default;

Result<NodePtr> FileSystem::root(Wait wait) {
    if (wait == Wait::no && tree_->abilities().remote) return would_block;
    if (Pin known = tree_->cache().find(tree_->root_id()); known && !known->is_deleted()) {
        return NodePtr{std::move(known)};
    }
    auto path = reopen(tree_->root(), O_PATH | O_DIRECTORY);
    if (!path) return path.error();
    auto found = status(path->number());
    if (!found) return found.error();
    if (found->stx_nlink == 0) return stale;
    auto node = tree_->adopt(std::move(*path), tree_->root_id(), wait, FileType::directory);
    if (!node) return node.error();
    return NodePtr{std::move(*node)};
}

Result<NodePtr> FileSystem::find(const ObjectId& id, Wait wait) {
    auto node = tree_->find(id, wait);
    if (!node) return node.error();
    return NodePtr{std::move(*node)};
}

Result<Space> FileSystem::space(const Caller& caller) {
    if (caller.wait == Wait::no && tree_->abilities().remote) return would_block;
    // Some file systems answer by the quota of whoever asks.
    if (auto acting = tree_->act_as(caller); !acting) return acting.error();
    struct statvfs figures {};
    if (::fstatvfs(tree_->root(), &figures) != 0) return last_error();
    const std::uint64_t block = figures.f_frsize;
    const bool is_root = tree_->acting_uid(caller) == 0;
    return Space{
        .total_bytes = figures.f_blocks * block,
        .free_bytes = figures.f_bfree * block,
        .available_bytes = (is_root ? figures.f_bfree : figures.f_bavail) * block,
        .total_files = figures.f_files,
        .free_files = figures.f_ffree,
        .available_files = is_root ? figures.f_ffree : figures.f_favail,
    };
}

Limits FileSystem::limits() const {
    return limits_;
}
std::uint64_t FileSystem::losses() const {
    return tree_->losses();
}
std::string FileSystem::describe() const {
    return tree_->describe();
}
void FileSystem::sweep() {
    tree_->cache().sweep();
}
std::optional<std::string> FileSystem::trouble() {
    return tree_->locator().trouble();
}
std::size_t FileSystem::nodes_cached() const {
    return tree_->cache().size();
}

}  // namespace berth::vfs::posix
