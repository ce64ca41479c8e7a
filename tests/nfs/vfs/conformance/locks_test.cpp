// Locks held on the file itself.
#include "tests/nfs/vfs/conformance/conformance.hpp"

namespace berth::vfs::test {
namespace {

using Locks = Conformance;
INSTANTIATE_TEST_SUITE_P(Vfs, Locks, ::testing::ValuesIn(implementations()),
                         ::testing::PrintToStringParamName());

constexpr LockedRange shared(std::uint64_t first, std::uint64_t last) {
    return {{first, last}, LockKind::shared};
}
constexpr LockedRange exclusive(std::uint64_t first, std::uint64_t last) {
    return {{first, last}, LockKind::exclusive};
}

TEST_P(Locks, OfTwoOwnersExcludeEachOther) {
    auto node = file(alice, "f");
    auto one = node->open_locks(alice).value();
    auto other = node->open_locks(alice).value();
    EXPECT_TRUE(one->lock(exclusive(0, 9)).value());
    EXPECT_FALSE(other->lock(shared(9, 9)).value());
    EXPECT_TRUE(other->lock(shared(10, ByteRange::byte_max)).value());
    EXPECT_FALSE(one->lock(exclusive(5, 10)).value());
    ASSERT_TRUE(one->unlock({0, 9}));
    EXPECT_TRUE(other->lock(exclusive(0, 9)).value());
}

TEST_P(Locks, SharedOnesGoTogether) {
    auto node = file(alice, "f");
    auto one = node->open_locks(alice).value();
    auto other = node->open_locks(alice).value();
    EXPECT_TRUE(one->lock(shared(0, 9)).value());
    EXPECT_TRUE(other->lock(shared(5, 20)).value());
    EXPECT_FALSE(one->lock(exclusive(0, 5)).value()) << "an upgrade needs to be alone";
    EXPECT_TRUE(one->lock(exclusive(0, 4)).value());
}

TEST_P(Locks, AnUpgradeThatFailsChangesNothing) {
    auto node = file(alice, "f");
    auto one = node->open_locks(alice).value();
    auto other = node->open_locks(alice).value();
    ASSERT_TRUE(one->lock(shared(0, 9)).value());
    ASSERT_TRUE(other->lock(shared(0, 0)).value());
    ASSERT_FALSE(one->lock(exclusive(0, 9)).value());
    EXPECT_FALSE(other->lock(exclusive(9, 9)).value()) << "the shared one is still there";
}

TEST_P(Locks, AreGoneWithTheirOwner) {
    auto node = file(alice, "f");
    auto other = node->open_locks(alice).value();
    {
        auto one = node->open_locks(alice).value();
        ASSERT_TRUE(one->lock(exclusive(0, ByteRange::byte_max)).value());
        ASSERT_FALSE(other->lock(shared(0, 0)).value());
    }
    EXPECT_TRUE(other->lock(shared(0, 0)).value());
}

TEST_P(Locks, AreShownToOthers) {
    auto node = file(alice, "f");
    auto one = node->open_locks(alice).value();
    auto other = node->open_locks(alice).value();
    ASSERT_TRUE(one->lock(exclusive(10, ByteRange::byte_max)).value());
    EXPECT_FALSE(one->obstacle_to(exclusive(0, 100)).value()) << "nobody is in his own way";
    EXPECT_FALSE(other->obstacle_to(exclusive(0, 9)).value());
    const auto obstacle = other->obstacle_to(shared(5, 10)).value();
    ASSERT_TRUE(obstacle);
    EXPECT_EQ(obstacle->held, exclusive(10, ByteRange::byte_max));
    EXPECT_EQ(obstacle->process, 0);
}

TEST_P(Locks, SurviveReadingAndWritingByOthers) {
    auto node = file(alice, "f");
    auto one = node->open_locks(alice).value();
    ASSERT_TRUE(one->lock(exclusive(0, 9)).value());
    write(*node, "text");
    EXPECT_EQ(read(*node), "text");
    auto other = node->open_locks(alice).value();
    EXPECT_FALSE(other->lock(shared(0, 9)).value());
}

TEST_P(Locks, NeedReadOrWritePermissionOrOwning) {
    EXPECT_TRUE(file(alice, "a", 0000)->open_locks(alice));
    EXPECT_TRUE(file(alice, "b", 0004)->open_locks(stranger));
    EXPECT_TRUE(file(alice, "c", 0002)->open_locks(stranger));
    auto closed = file(alice, "d", 0770);
    EXPECT_EQ(outcome_of(closed->open_locks(stranger)), std::errc::permission_denied);
    EXPECT_TRUE(closed->open_locks(bob)) << "by its group";
    EXPECT_TRUE(closed->open_locks(root_user));
}

TEST_P(Locks, AreForRegularFilesOnly) {
    EXPECT_EQ(outcome_of(root->open_locks(root_user)), std::errc::is_a_directory);
    for (const auto& node : neither_file_nor_directory())
        EXPECT_EQ(outcome_of(node->open_locks(root_user)), std::errc::invalid_argument);
    auto node = file(alice, "f");
    ASSERT_TRUE(root->remove(root_user, "f"));
    EXPECT_EQ(outcome_of(node->open_locks(alice)), stale);
}

}  // namespace
}  // namespace berth::vfs::test
