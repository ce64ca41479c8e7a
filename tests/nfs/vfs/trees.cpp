#include "tests/nfs/vfs/trees.hpp"

#include <fstream>
#include <ostream>
#include <stdexcept>
#include <utility>

#include <sys/stat.h>

#include <boost/filesystem/operations.hpp>

#include "nfs/vfs/memory.hpp"
#include "nfs/vfs/posix.hpp"
#include "tests/support/faulty/file_system.hpp"
#include "tests/support/forwarding.hpp"
#include "tests/support/temporary_directory.hpp"

namespace berth::vfs::test {
namespace {

memory::Options like_this_machine() {
    memory::Options options;
    options.root_mode = 0777;
    std::ifstream{"/proc/sys/fs/protected_hardlinks"} >> options.protect_hard_links;
    return options;
}

class MemoryTree final : public Tree {
public:
    FileSystem& files() override { return *files_; }

private:
    std::unique_ptr<FileSystem> files_ = memory::make(like_this_machine());
};

/// The decorator that changes nothing unless told to.
class FaultlessTree final : public Tree {
public:
    FileSystem& files() override { return files_; }

private:
    faulty::FileSystem files_{memory::make(like_this_machine())};
};

/// A directory of its own, removed with the tree.
class PosixTree : public Tree {
public:
    explicit PosixTree(bool kernel_handles) {
        ::umask(0);
        boost::filesystem::permissions(directory_.path(), boost::filesystem::perms::all_all);
        posix::Options options;
        options.kernel_handles = kernel_handles;
        auto opened = posix::open(directory_.path().string(), options);
        if (!opened) throw std::runtime_error{opened.error().reason};
        files_ = std::move(*opened);
    }
    ~PosixTree() override { files_.reset(); }
    PosixTree(const PosixTree&) = delete;
    PosixTree& operator=(const PosixTree&) = delete;

    FileSystem& files() override { return *files_; }

protected:
    std::shared_ptr<FileSystem> files_;

private:
    berth::test::TemporaryDirectory directory_;
};

/// A real directory behind a decorator.
class ForwardedTree final : public PosixTree {
public:
    ForwardedTree() : PosixTree(true) {
        files_ = std::make_shared<forwarding::FileSystem>(std::move(files_));
    }
};

}  // namespace

void PrintTo(const Implementation& implementation, std::ostream* out) {
    *out << implementation.name;
}

std::unique_ptr<Tree> make_memory() {
    return std::make_unique<MemoryTree>();
}

std::unique_ptr<Tree> make_posix() {
    return std::make_unique<PosixTree>(true);
}

std::vector<Implementation> implementations() {
    return {
        {"memory", make_memory},
        {"faulty", [] { return std::make_unique<FaultlessTree>(); }},
        {"posix", make_posix},
        {"forwarded", [] { return std::make_unique<ForwardedTree>(); }},
        {"posix_by_names", [] { return std::make_unique<PosixTree>(false); }},
    };
}

std::string to_string(const Outcome& outcome) {
    return outcome == success ? "success" : std::make_error_code(outcome.error).message();
}

void PrintTo(const Outcome& outcome, std::ostream* out) {
    *out << to_string(outcome);
}

}  // namespace berth::vfs::test
