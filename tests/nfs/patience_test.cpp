// Which calls need a worker: those that wait for a disk, and no others.
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/nfs/every_procedure.hpp"
#include "tests/nfs/support.hpp"

namespace berth::nfs {
namespace {

class Patience : public ServiceTest {
protected:
    /// How many calls needed a worker while `work` ran.
    template <class Work>
    std::uint64_t on_workers(Work work) {
        const auto before = wire_.on_workers;
        work();
        return wire_.on_workers - before;
    }

    using Changes = std::vector<std::pair<std::string, std::function<void()>>>;

    /// One call of each kind that changes names or attributes.
    Changes changes_in(const KeptHandle& top) {
        const auto file = make_file(top, "file");
        const auto directory = make_directory(top, "directory");
        make_file(top, "old");
        NewAttributes mode;
        mode.mode = 0600;
        return {
            {"SETATTR",
             [=, this] { succeed<SetAttributes>({.object = file, .attributes = mode}); }},
            {"CREATE", [=, this] { make_file(top, "new"); }},
            {"MKDIR", [=, this] { make_directory(top, "new directory"); }},
            {"SYMLINK", [=, this] { make_link(top, "new link", "target"); }},
            {"MKNOD", [=, this] { make_fifo(top, "new fifo"); }},
            {"LINK",
             [=, this] { succeed<Link>({.file = file, .link = entry(directory, "linked")}); }},
            {"RENAME",
             [=, this] {
                 succeed<Rename>({.from = entry(top, "old"), .to = entry(directory, "renamed")});
             }},
            {"REMOVE", [=, this] { succeed<Remove>({entry(directory, "renamed")}); }},
            {"RMDIR", [=, this] { succeed<RemoveDirectory>({entry(top, "new directory")}); }},
        };
    }
};

TEST_F(Patience, NamesNeedAWorkerWhereTheyMustBeOnDisk) {
    for (const auto& [name, change] : changes_in(root("/tree")))
        EXPECT_EQ(on_workers(change), 1U) << name;
}

TEST_F(Patience, NamesNeedNoneWhereTheyNeedNot) {
    for (const auto& [name, change] : changes_in(root("/async")))
        EXPECT_EQ(on_workers(change), 0U) << name;
}

TEST_F(Patience, DataNeedsAWorkerWhenItMustBeOnDisk) {
    const auto made = make_file(root(), "data");
    for (const auto* path : {"/tree", "/async"}) {
        const auto file = through(path, made);
        for (const auto stable : {Stable::unstable, Stable::data_sync, Stable::file_sync}) {
            const auto write = [&] {
                succeed<Write>({.file = file, .count = 1, .stable = stable, .data = data_of("x")});
            };
            EXPECT_EQ(on_workers(write), stable == Stable::unstable ? 0U : 1U);
        }
        EXPECT_EQ(on_workers([&] { succeed<Commit>({file}); }), 1U);
    }
}

TEST_F(Patience, ACallThatWasDeferredHasChangedNothingBefore) {
    const auto top = root("/tree");
    const auto calls = files_->calls(vfs::faulty::Operation::create);
    make_file(top, "once");
    EXPECT_EQ(files_->calls(vfs::faulty::Operation::create) - calls, 1U);
}

TEST_F(Patience, CallsThatHaveWaitedForTooLongDoNothingAndSayLater) {
    const auto top = root();
    make_file(top, "name");
    wire_.is_late = true;
    with_every_procedure(top, [&]<class Procedure>(const typename Procedure::Args& args) {
        EXPECT_EQ(call<Procedure>(args).status(), Status::jukebox) << Procedure::id.name;
    });
    wire_.is_late = false;
    EXPECT_TRUE(exists(top, "name"));
    EXPECT_FALSE(exists(top, "new"));
}

}  // namespace
}  // namespace berth::nfs
