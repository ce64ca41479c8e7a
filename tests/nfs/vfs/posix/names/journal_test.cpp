// Exports with a journal: which handles survive what.
#include "nfs/vfs/posix/names/journal.hpp"

#include <atomic>
#include <functional>
#include <iterator>

#include <boost/filesystem/directory.hpp>
#include <boost/filesystem/operations.hpp>

#include "tests/media/exported_directory.hpp"

namespace berth::vfs::posix {
namespace {

class Journaled : public ExportedDirectory {
protected:
    Journaled() { restart(); }

    [[nodiscard]] Options options() const {
        Options options{.nodes_max = 1, .kernel_handles = false};
        options.journal = journal_in(state / "names", start_thread);
        return options;
    }
    void restart() {
        files.reset();
        open_again(options());
    }
    std::string text_of(const ObjectId& id) {
        auto found = files->find(id, Patience::ample);
        return found ? read_all(**found, root_caller) : "error";
    }

    TemporaryDirectory state;
};

TEST_F(Journaled, HandlesSurviveARestart) {
    EXPECT_NE(files->describe().find("journal"), std::string::npos) << files->describe();
    write_local(local / "f", "looked up");
    write_local(local / "g", "peeked at");
    const auto looked_up = lookup("f")->id();
    const auto peeked = root()->peek(root_caller, "g")->id;
    const auto made = create(root_caller, "h")->id();
    write_local(local / "h", "made");
    const auto top = root()->id();
    restart();
    EXPECT_EQ(text_of(looked_up), "looked up");
    EXPECT_EQ(text_of(peeked), "peeked at");
    EXPECT_EQ(text_of(made), "made");
    EXPECT_TRUE(files->find(top, Patience::ample));
}

TEST_F(Journaled, AlsoOfWhatWasRenamedAndWhoseParentsWere) {
    auto outer = make_directory(root_caller, "outer");
    auto inner = outer->make_directory(root_caller, "inner", {}).value();
    const auto deep = inner->create(root_caller, "f", {}).value()->id();
    const auto moved = create(root_caller, "g")->id();
    write_local(local / "outer/inner/f", "deep");
    write_local(local / "g", "moved");
    EXPECT_TRUE(files->rename(root_caller, *root(), "g", *inner, "g2"));
    EXPECT_TRUE(files->rename(root_caller, *root(), "outer", *root(), "outer2"));
    inner.reset();
    outer.reset();
    restart();
    EXPECT_EQ(text_of(deep), "deep");
    EXPECT_EQ(text_of(moved), "moved");
}

TEST_F(Journaled, ButNotOfWhatIsGoneAlthoughItsInodeIsUsedAgain) {
    std::vector<ObjectId> gone;
    for (int n = 0; n < 50; ++n) {
        gone.push_back(create(root_caller, "f")->id());
        if (n % 2 == 0) {
            EXPECT_TRUE(root()->remove(root_caller, "f"));
        } else {
            boost::filesystem::remove(local / "f");
        }
    }
    create(root_caller, "f");
    restart();
    for (const auto& id : gone) EXPECT_EQ(error_of(files->find(id, Patience::ample)), stale);
}

TEST_F(Journaled, AWayOfThreeHundredLevels) {
    auto directory = root();
    for (int level = 0; level < 300; ++level) {
        directory = directory->make_directory(root_caller, "deeper", {}).value();
    }
    const auto id = directory->create(root_caller, "f", {}).value()->id();
    directory.reset();
    restart();
    EXPECT_TRUE(files->find(id, Patience::ample));
}

TEST_F(Journaled, WhereItCannotBeKeptNamesAreInMemoryAndTheReasonIsSaid) {
    auto other = open(local.path(), options()).value();
    EXPECT_NE(other->describe().find("another process uses it"), std::string::npos)
        << other->describe();
    write_local(state / "file", "in the way");
    auto in_the_way = options();
    in_the_way.journal = journal_in(state / "file", start_thread);
    other = open(local.path(), in_the_way).value();
    EXPECT_NE(other->describe().find("in memory"), std::string::npos) << other->describe();
}

TEST_F(Journaled, NoneIsMadeWhereTheKernelOpensHandles) {
    auto kernel = options();
    kernel.kernel_handles = true;
    kernel.journal = journal_in(state / "unused", start_thread);
    open_again(kernel);
    EXPECT_FALSE(boost::filesystem::exists(state / "unused"));
}

TEST_F(Journaled, ANameSeenForTheFirstTimeIsLeftToWhoMayWait) {
    write_local(local / "f", "text");
    const auto top = root();
    EXPECT_EQ(error_of(top->lookup(not_waiting(root_caller), "f")), would_block);
    EXPECT_EQ(error_of(top->peek(not_waiting(root_caller), "f")), would_block);
    const auto id = top->lookup(root_caller, "f").value()->id();
    EXPECT_EQ(top->lookup(not_waiting(root_caller), "f").value()->id(), id);
    EXPECT_EQ(top->peek(not_waiting(root_caller), "f")->id, id);
}

TEST_F(Journaled, EitherNameIsEnoughAfterARestart) {
    for (const auto* removed : {"lock", "unique"}) {
        auto file = create(root_caller, "unique");
        const auto id = file->id();
        EXPECT_TRUE(files->link(root_caller, *file, *root(), "lock"));
        file.reset();
        EXPECT_TRUE(root()->remove(root_caller, removed));
        write_local(local / (removed == std::string_view{"lock"} ? "unique" : "lock"), removed);
        restart();
        EXPECT_EQ(text_of(id), removed);
        boost::filesystem::remove(local / "lock");
        boost::filesystem::remove(local / "unique");
    }
}

TEST_F(Journaled, ADirectoryIsMadeDurableTogetherWithTheNamesOfWhatIsInIt) {
    std::atomic<int> syncs = 0;
    NameLogOptions counted;
    counted.start_thread = start_thread;
    counted.synchronize = [&](int) -> Result<void> {
        ++syncs;
        return {};
    };
    auto own = options();
    own.journal = std::make_shared<NameJournal>(state / "own", counted);
    files.reset();
    open_again(own);
    const std::vector<std::function<void()>> changes{
        [&] { create(root_caller, "f"); },
        [&] { make_directory(root_caller, "d"); },
        [&] { EXPECT_TRUE(files->link(root_caller, *lookup("f"), *root(), "g")); },
        [&] { EXPECT_TRUE(files->rename(root_caller, *root(), "f", *root(), "h")); },
    };
    for (const auto& change : changes) {
        const auto before = syncs.load();
        change();
        EXPECT_TRUE(root()->sync(Sync::all));
        EXPECT_GT(syncs, before);
    }
    files.reset();
}

TEST_F(Journaled, ManyTreesShareOneJournalAndOneThread) {
    const auto threads = [] {
        boost::filesystem::directory_iterator tasks{"/proc/self/task"};
        return std::distance(begin(tasks), end(tasks));
    };
    const auto before = threads();
    std::vector<std::unique_ptr<FileSystem>> trees;
    std::vector<ObjectId> ids;
    const auto open_all = [&] {
        trees.clear();
        auto shared = options();
        for (int n = 0; n < 300; ++n) {
            const auto path = local / std::to_string(n);
            boost::filesystem::create_directory(path);
            trees.push_back(open(path, shared).value());
        }
    };
    files.reset();
    open_all();
    for (const auto& tree : trees)
        ids.push_back(tree->root().value()->create(root_caller, "f", {}).value()->id());
    EXPECT_EQ(threads(), before);
    open_all();
    for (std::size_t n = 0; n < trees.size(); ++n) {
        EXPECT_TRUE(trees[n]->find(ids[n], Patience::ample)) << n;
        EXPECT_EQ(error_of(trees[n]->find(ids[(n + 1) % ids.size()], Patience::ample)), stale) << n;
    }
    EXPECT_EQ(threads(), before);
}

}  // namespace
}  // namespace berth::vfs::posix
