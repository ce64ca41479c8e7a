#include <algorithm>

#include <fcntl.h>
#include <sys/resource.h>
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
    if (options.withheld && options.withheld->reaches(root->number())) {
        return OpenError{std::errc::operation_not_permitted,
                         path + ": the server's state directory, or a directory in it, is not "
                                "exported; --state gives the server another one"};
    }
    Options decided = options;
    if (decided.name_in_journal.empty()) decided.name_in_journal = path;
    if (decided.nodes_max == 0) {
        decided.nodes_max =
            std::min(descriptors_max() / descriptors_per_node, nodes_max_by_default);
    }
    auto tree = Tree::make(std::move(*root), decided);
    if (!tree) return failed(tree.error(), "cannot be exported");
    return std::make_unique<FileSystem>(std::move(*tree));
}

void throw_exception_from_error(const OpenError& error, const boost::source_location&) {
    throw std::system_error{std::make_error_code(error.code), error.reason};
}

std::shared_ptr<NameJournal> journal_in(const std::filesystem::path& directory) {
    return std::make_shared<NameJournal>(directory);
}

FileSystem::FileSystem(std::unique_ptr<Tree> tree) : tree_(std::move(tree)) {}

FileSystem::~FileSystem() = default;

Result<NodePtr> FileSystem::root(Wait wait) {
    if (wait == Wait::no && tree_->abilities().remote) return would_block;
    if (Pin known = tree_->cache().find(tree_->root_id()); known && !known->is_deleted()) {
        return NodePtr{std::move(known)};
    }
    auto path = reopen(tree_->root(), O_PATH | O_DIRECTORY);
    if (!path) return path.error();
    auto found = status(path->number());
    if (!found) return says_gone(found.error()) ? stale : found.error();
    if (tree_->identity().is_gone(*found)) return stale;
    auto node = tree_->adopt(std::move(*path), tree_->root_id(), wait, FileType::directory);
    if (!node) return node.error();
    return NodePtr{std::move(*node)};
}

Result<NodePtr> FileSystem::find(const ObjectId& id, const Way& way, Wait wait) {
    auto node = tree_->find(id, way, wait);
    if (!node) return node.error();
    return NodePtr{std::move(*node)};
}

Limits FileSystem::limits() const {
    return tree_->abilities().limits;
}
std::uint64_t FileSystem::losses() const {
    return tree_->losses();
}
bool FileSystem::gives_fileids() const {
    return tree_->identity().may_lack_numbers();
}
std::uint64_t FileSystem::id_space() const {
    return tree_->volume()->number();
}
std::shared_ptr<Volumes> FileSystem::volumes() const {
    return tree_->volumes();
}
std::string FileSystem::describe() const {
    return tree_->describe();
}
void FileSystem::sweep() {
    tree_->cache().sweep();
    tree_->locator().sweep();
}
std::optional<std::string> FileSystem::trouble() {
    return tree_->trouble();
}
std::size_t FileSystem::nodes_cached() const {
    return tree_->cache().size();
}

}  // namespace berth::vfs::posix
