#include <array>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "nfs/vfs/memory.hpp"
#include "tests/nfs/vfs/bytes.hpp"
#include "tests/nfs/vfs/trees.hpp"
#include "tests/support/faulty/file_system.hpp"

namespace berth::vfs::faulty {
namespace {

using test::outcome_of;
using test::root_user;
using test::success;

auto only(Operation wanted) {
    return [wanted](Operation operation) { return operation == wanted; };
}

class Faulty : public ::testing::Test {
protected:
    std::shared_ptr<vfs::FileSystem> inner = memory::make();
    FileSystem files{inner};
    NodePtr root = files.root().value();
};

TEST_F(Faulty, TheNthOperationFailsAndNoOther) {
    files.inject({.error = std::errc::io_error, .nth = 3});
    EXPECT_TRUE(root->attributes(Patience::ample));
    EXPECT_TRUE(root->lookup(root_user, "."));
    EXPECT_EQ(outcome_of(root->create(root_user, "f", {})), std::errc::io_error);
    EXPECT_TRUE(root->create(root_user, "f", {.mode = CreateMode::guarded})) << "was not made";
    EXPECT_EQ(files.failures(), 1U);
}

TEST_F(Faulty, CountsOnlyWhatTheFaultAppliesTo) {
    files.inject({.error = std::errc::no_space_on_device, .nth = 2, .applies = is_change});
    EXPECT_TRUE(root->make_directory(root_user, "d", {}));
    EXPECT_TRUE(root->lookup(root_user, "d"));
    EXPECT_TRUE(root->space(root_user));
    EXPECT_EQ(outcome_of(root->remove_directory(root_user, "d")), std::errc::no_space_on_device);
    EXPECT_TRUE(root->lookup(root_user, "d"));
}

TEST_F(Faulty, LateFailureHasHappened) {
    files.inject({.error = std::errc::io_error, .after_success = true});
    EXPECT_EQ(outcome_of(root->make_directory(root_user, "d", {})), std::errc::io_error);
    EXPECT_TRUE(root->lookup(root_user, "d"));
}

TEST_F(Faulty, LateFailureDoesNotHideARealOne) {
    files.inject({.error = std::errc::io_error, .after_success = true});
    EXPECT_EQ(outcome_of(root->lookup(root_user, "missing")), std::errc::no_such_file_or_directory);
}

TEST_F(Faulty, AReadComesShort) {
    auto file = root->create(root_user, "f", {}).value();
    EXPECT_TRUE(file->write(root_user, 0, test::as_bytes("text")));
    files.inject({.read_bytes_max = 3, .applies = only(Operation::read)});
    std::array<std::byte, 8> into{};
    EXPECT_EQ(file->read(root_user, 0, into).value(), 3U);
    EXPECT_EQ(file->read(root_user, 0, into).value(), 4U);
}

TEST_F(Faulty, FailsAsOftenAsAsked) {
    files.inject({.nth = 2, .times = 2, .applies = only(Operation::attributes)});
    std::vector<bool> outcomes;
    for (int i = 0; i < 5; ++i) outcomes.push_back(root->attributes(Patience::ample).has_value());
    EXPECT_EQ(outcomes, (std::vector<bool>{true, false, false, true, true}));
}

TEST_F(Faulty, WouldBlockOnlyForThoseWhoDoNotWait) {
    files.inject({.error = would_block, .times = 100, .unless_waiting = true});
    Caller hurried = root_user;
    hurried.patience = Patience::none;
    EXPECT_EQ(outcome_of(root->lookup(hurried, ".")), would_block);
    EXPECT_EQ(outcome_of(root->attributes(Patience::none)), would_block);
    EXPECT_EQ(outcome_of(files.find(root->id(), Patience::none)), would_block);
    EXPECT_EQ(outcome_of(root->lookup(root_user, ".")), success);
    EXPECT_EQ(outcome_of(root->sync(Sync::all)), success);
}

TEST_F(Faulty, FirstInjectedDecides) {
    files.inject({.error = std::errc::io_error, .applies = only(Operation::lookup)});
    files.inject({.error = over_quota});
    EXPECT_EQ(outcome_of(root->lookup(root_user, ".")), std::errc::io_error);
    EXPECT_EQ(outcome_of(root->attributes(Patience::ample)), success) << "the second was counted";
    files.inject({.error = over_quota});
    files.clear();
    EXPECT_EQ(outcome_of(root->attributes(Patience::ample)), success);
}

TEST_F(Faulty, CountsCalls) {
    EXPECT_EQ(files.calls(Operation::root), 1U);
    EXPECT_EQ(files.calls(Operation::write), 0U);
    auto file = root->create(root_user, "f", {}).value();
    EXPECT_EQ(file->write(root_user, 0, test::as_bytes("abc")).value(), 3U);
    EXPECT_EQ(files.calls(Operation::write), 1U);
    EXPECT_EQ(files.calls(Operation::create), 1U);
}

TEST_F(Faulty, LossesGrow) {
    EXPECT_EQ(files.losses(), inner->losses());
    files.lose();
    EXPECT_EQ(files.losses(), inner->losses() + 1);
}

TEST_F(Faulty, OneObjectHasOneStandInWhileItIsPinned) {
    auto made = root->create(root_user, "f", {}).value();
    EXPECT_EQ(root->lookup(root_user, "f").value(), made);
    EXPECT_EQ(files.find(made->id(), Patience::ample).value(), made);
    EXPECT_EQ(&root->lookup(root_user, "f").value()->change_lock(), &made->change_lock());
    EXPECT_EQ(root->lookup(root_user, "..").value(), root);
}

TEST_F(Faulty, NodesArePassedOnAsTheInnerOnes) {
    auto directory = root->make_directory(root_user, "d", {}).value();
    auto file = root->create(root_user, "f", {}).value();
    EXPECT_TRUE(files.link(root_user, *file, *directory, "l"));
    EXPECT_TRUE(files.rename(root_user, *root, "f", *directory, "g"));
    EXPECT_EQ(directory->lookup(root_user, "g").value(), file);
    const auto foreign = memory::make();
    EXPECT_EQ(outcome_of(files.link(root_user, *foreign->root().value(), *directory, "x")),
              std::errc::cross_device_link);
    EXPECT_EQ(outcome_of(files.rename(root_user, *root, "d", *foreign->root().value(), "x")),
              std::errc::cross_device_link);
}

// Pins that end and begin at the same time: the table never hands out a node that is being deleted.
TEST_F(Faulty, StandInsComeAndGoOnManyThreads) {
    ASSERT_TRUE(root->create(root_user, "f", {}));
    std::atomic<int> found{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
            for (int round = 0; round < 2000; ++round) {
                auto node = root->lookup(root_user, "f").value();
                const std::lock_guard guard{node->change_lock()};
                found += node->attributes(Patience::ample)->links == 1;
            }
        });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(found, 4 * 2000);
}

/// Carries out every operation once; how many of them failed.
int try_everything(vfs::FileSystem& files) {
    int failed = 0;
    const auto count = [&failed](const auto& result) { failed += result ? 0 : 1; };
    auto top = files.root();
    count(top);
    if (!top) return failed;
    auto& node = **top;
    count(files.find(node.id(), Patience::ample));
    count(node.space(root_user));
    count(node.limits(root_user));
    count(node.attributes(Patience::ample));
    count(node.access(root_user, may_read));
    count(node.set_attributes(root_user, {.mode = 0755}));
    count(node.sync(Sync::all));
    auto file = node.create(root_user, "f", {});
    count(file);
    if (!file) return failed;
    std::array<std::byte, 4> buffer{};
    count((*file)->write(root_user, 0, buffer));
    count((*file)->read(root_user, 0, buffer));
    count((*file)->open_locks(root_user));
    count(node.peek(root_user, "f"));
    count(node.list(root_user, 0, [](const DirectoryEntry&) { return true; }));
    auto link = node.make_symbolic_link(root_user, "s", "t", {});
    count(link);
    if (link) count((*link)->read_link(root_user));
    count(node.make_special(root_user, "p", {}));
    auto directory = node.make_directory(root_user, "d", {});
    count(directory);
    if (!directory) return failed;
    count(files.link(root_user, **file, **directory, "l"));
    count(files.rename(root_user, node, "f", **directory, "g"));
    count((*directory)->remove(root_user, "l"));
    count((*directory)->lookup(root_user, "g"));
    count((*directory)->remove(root_user, "g"));
    count(node.remove_directory(root_user, "d"));
    return failed;
}

TEST(FaultyOperations, EachCanFailAloneAndNoneFailsUnasked) {
    for (std::size_t i = 0; i < operations; ++i) {
        for (const bool late : {false, true}) {
            FileSystem files{memory::make()};
            files.inject({.after_success = late, .applies = only(static_cast<Operation>(i))});
            EXPECT_GE(try_everything(files), 1) << i;
            EXPECT_EQ(files.failures(), 1U) << i;
        }
    }
    FileSystem files{memory::make()};
    EXPECT_EQ(try_everything(files), 0);
}

}  // namespace
}  // namespace berth::vfs::faulty
