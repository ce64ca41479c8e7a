#include <algorithm>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <boost/filesystem/operations.hpp>
#include <boost/filesystem/path.hpp>

#include "nfs/vfs/posix.hpp"
#include "nfs/vfs/posix/names/journal.hpp"
#include "nfs/vfs/posix/node/node.hpp"
#include "nfs/vfs/posix/node/open_files.hpp"
#include "nfs/vfs/posix/tree.hpp"

namespace berth::vfs::posix {
namespace {

std::size_t descriptors_max() {
    constexpr std::size_t most = 65'536;
    constexpr std::size_t usual = 1024;
    rlimit limit{};
    return ::getrlimit(RLIMIT_NOFILE, &limit) == 0 ? std::min<std::size_t>(limit.rlim_cur, most)
                                                   : usual;
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
    if (options.withheld &&
        (options.withheld->reaches(root->number()) || options.withheld->marks(root->number()))) {
        return OpenError{std::errc::operation_not_permitted,
                         path + ": the server's state directory, or a directory in it, is not "
                                "exported; --state gives the server another one"};
    }
    Options decided = options;
    if (decided.name_in_journal.empty()) decided.name_in_journal = path;
    if (!decided.open_files) decided.open_files = make_open_files(descriptors_max());
    if (decided.nodes_max == 0) decided.nodes_max = decided.open_files->nodes_max();
    auto tree = Tree::make(std::move(*root), decided);
    if (!tree) return failed(tree.error(), "cannot be exported");
    return std::make_unique<FileSystem>(std::move(*tree));
}

std::shared_ptr<NameJournal> journal_in(const boost::filesystem::path& directory,
                                        StartThread start_thread) {
    NameLogOptions options;
    options.start_thread = std::move(start_thread);
    return std::make_shared<NameJournal>(directory, std::move(options));
}

void release(NameJournal& journal) noexcept {
    journal.release();
}

FileSystem::FileSystem(std::unique_ptr<Tree> tree) : tree_(std::move(tree)) {}

FileSystem::~FileSystem() = default;

Result<NodePtr> FileSystem::root(Patience patience) {
    if (patience == Patience::none && tree_->abilities().remote) return would_block;
    if (Pin known = tree_->cache().find(tree_->root_id()); known && !known->is_deleted()) {
        return NodePtr{std::move(known)};
    }
    const auto acting = tree_->act_as_server();
    if (!acting) return acting.error();
    auto path =
        tree_->opening(patience, [&] { return reopen(tree_->root(), O_PATH | O_DIRECTORY); });
    if (!path) return path.error();
    auto found = status(path->number());
    if (!found) return says_gone(found.error()) ? stale : found.error();
    if (tree_->identity().is_gone(*found)) return stale;
    auto node = tree_->adopt(std::move(*path), tree_->root_id(), patience, FileType::directory);
    if (!node) return node.error();
    return NodePtr{std::move(*node)};
}

Result<NodePtr> FileSystem::find(const ObjectId& id, const Way& way, Patience patience) {
    auto node = tree_->find(id, way, patience);
    if (!node) return node.error();
    return NodePtr{std::move(*node)};
}

Result<void> FileSystem::link(const Caller& caller, vfs::Node& target, vfs::Node& directory,
                              std::string_view name) {
    const auto into = tree_->own(directory, caller.patience);
    if (!into) return into.error();
    const auto object = tree_->own(target, caller.patience);
    if (!object) return object.error();
    auto linked = (*into)->link(caller, name, **object);
    if (linked || linked.error() != stale) return linked;
    // The node holds the object by a name that it has lost. Another name may lead to it.
    const auto again = tree_->find_anew(**object);
    if (!again) return again.error();
    return (*into)->link(caller, name, **again);
}

Result<void> FileSystem::rename(const Caller& caller, vfs::Node& from, std::string_view from_name,
                                vfs::Node& to, std::string_view to_name) {
    const auto source = tree_->own(from, caller.patience);
    if (!source) return source.error();
    const auto target = tree_->own(to, caller.patience);
    if (!target) return target.error();
    return (*source)->rename(caller, from_name, **target, to_name);
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
bool FileSystem::acts_as_callers() const {
    return tree_->abilities().change_identity;
}
std::uint64_t FileSystem::id_space() const {
    return tree_->volume()->number();
}
std::string FileSystem::describe() const {
    return tree_->describe();
}
bool FileSystem::handles_survive() const {
    return tree_->handles_survive();
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
