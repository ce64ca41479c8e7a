// Reading and writing.
#include "tests/nfs/vfs/conformance/conformance.hpp"

namespace berth::vfs::test {
namespace {

constexpr std::uint64_t offset_end = std::uint64_t{1} << 63;

using Data = Conformance;
INSTANTIATE_TEST_SUITE_P(Vfs, Data, ::testing::ValuesIn(implementations()),
                         ::testing::PrintToStringParamName());

TEST_P(Data, IsReadAsItWasWritten) {
    auto node = file(alice, "f");
    EXPECT_EQ(node->write(alice, 0, as_bytes("hello world")).value(), 11U);
    EXPECT_EQ(node->write(alice, 6, as_bytes("there")).value(), 5U);
    EXPECT_EQ(read(*node), "hello there");
    EXPECT_EQ(read(*node, 6), "there");
    EXPECT_EQ(read(*node, 11), "");
    EXPECT_EQ(read(*node, 1000), "");
    EXPECT_EQ(read(*node, ~std::uint64_t{0}), "");
    std::array<std::byte, 4> into{};
    EXPECT_EQ(node->read(alice, 9, into).value(), 2U) << "short only at the end";
    EXPECT_EQ(node->read(alice, 0, {}).value(), 0U);
}

TEST_P(Data, HolesReadAsZeros) {
    auto node = file(alice, "f");
    constexpr std::uint64_t far = std::uint64_t{5} << 30;
    write(*node, "end", far);
    EXPECT_EQ(attributes(*node).size, far + 3);
    EXPECT_LT(attributes(*node).used, std::uint64_t{1} << 20);
    EXPECT_EQ(read(*node, far - 2), std::string("\0\0end", 5));
    std::vector<std::byte> into(65536, std::byte{'!'});
    EXPECT_EQ(node->read(alice, 12345, into).value(), into.size());
    EXPECT_EQ(into, std::vector<std::byte>(into.size()));
}

TEST_P(Data, CutOffIsGoneForGood) {
    auto node = file(alice, "f");
    write(*node, "hello");
    ASSERT_TRUE(node->set_attributes(alice, {.size = 2}));
    ASSERT_TRUE(node->set_attributes(alice, {.size = 4}));
    EXPECT_EQ(read(*node), std::string("he\0\0", 4));
}

TEST_P(Data, ReadingNeedsReadOrExecutePermissionOrOwning) {
    struct Case {
        const Person& who;
        std::uint32_t mode;
        bool allowed;
    };
    const Case table[] = {
        {alice, 0000, true},    {root_user, 0000, true}, {bob, 0040, true},
        {bob, 0010, true},      {bob, 0727, false},      {stranger, 0004, true},
        {stranger, 0001, true}, {stranger, 0772, false},
    };
    auto node = file(alice, "f");
    write(*node, "x");
    std::array<std::byte, 1> into{};
    for (const auto& [who, mode, allowed] : table) {
        ASSERT_TRUE(node->set_attributes(root_user, {.mode = mode}));
        EXPECT_EQ(outcome_of(node->read(who, 0, into)), allowed ? success : denied)
            << who.name() << ' ' << std::oct << mode;
        EXPECT_EQ(outcome_of(node->read(who, 0, {})), allowed ? success : denied);
    }
}

TEST_P(Data, WritingNeedsWritePermissionOrOwning) {
    struct Case {
        const Person& who;
        std::uint32_t mode;
        bool allowed;
    };
    const Case table[] = {
        {alice, 0000, true}, {root_user, 0000, true}, {bob, 0020, true},
        {bob, 0757, false},  {stranger, 0002, true},  {stranger, 0775, false},
    };
    auto node = file(alice, "f");
    for (const auto& [who, mode, allowed] : table) {
        ASSERT_TRUE(node->set_attributes(root_user, {.mode = mode}));
        EXPECT_EQ(outcome_of(node->write(who, 0, as_bytes("x"))), allowed ? success : denied)
            << who.name() << ' ' << std::oct << mode;
        EXPECT_EQ(outcome_of(node->write(who, 0, {})), allowed ? success : denied);
    }
}

TEST_P(Data, WritingByOthersThanRootClearsSetIds) {
    auto node = file(alice, "f");
    for (const Person& who : {alice, stranger, root_user}) {
        ASSERT_TRUE(node->set_attributes(root_user, {.mode = 06777}));
        ASSERT_TRUE(node->write(who, 0, {}));
        EXPECT_EQ(attributes(*node).mode, 06777U) << "nothing was written";
        ASSERT_TRUE(node->write(who, 0, as_bytes("x")));
        EXPECT_EQ(attributes(*node).mode, who.uid() == 0 ? 06777U : 0777U) << who.name();
    }
    ASSERT_TRUE(node->set_attributes(root_user, {.mode = 02766}));
    ASSERT_TRUE(node->write(bob, 0, as_bytes("x")));
    EXPECT_EQ(attributes(*node).mode, 02766U) << "not executable, and the group is bob's too";
    ASSERT_TRUE(node->write(stranger, 0, as_bytes("x")));
    EXPECT_EQ(attributes(*node).mode, 0766U);
}

TEST_P(Data, IsOnlyInRegularFiles) {
    std::array<std::byte, 1> byte{};
    auto below = directory(alice, "d");
    EXPECT_EQ(outcome_of(below->read(root_user, 0, byte)), std::errc::is_a_directory);
    EXPECT_EQ(outcome_of(below->write(root_user, 0, byte)), std::errc::is_a_directory);
    for (const auto& node : neither_file_nor_directory()) {
        EXPECT_EQ(outcome_of(node->read(root_user, 0, byte)), std::errc::invalid_argument);
        EXPECT_EQ(outcome_of(node->write(root_user, 0, byte)), std::errc::invalid_argument);
    }
}

TEST_P(Data, EndsAtTheLargestOffset) {
    auto node = file(alice, "f");
    for (const std::uint64_t offset : {offset_end - 1, offset_end, ~std::uint64_t{0}}) {
        EXPECT_EQ(outcome_of(node->write(alice, offset, as_bytes("xx"))),
                  std::errc::file_too_large);
        EXPECT_EQ(read(*node, offset), "");
    }
    EXPECT_EQ(attributes(*node).size, 0U);
    EXPECT_LE(files.limits().file_bytes_max, offset_end - 1);
}

TEST_P(Data, CanBeSynced) {
    auto node = file(alice, "f");
    write(*node, "x");
    for (const auto what : {Sync::data, Sync::all}) {
        EXPECT_TRUE(node->sync(what));
        EXPECT_TRUE(root->sync(what));
        EXPECT_TRUE(link_to("x", what == Sync::data ? "l" : "m")->sync(what));
    }
}

TEST_P(Data, SymbolicLinksHoldTheirTarget) {
    const std::string longest(4000, 'x');
    for (const auto& target : {std::string{"f"}, std::string{"/no/such/../file"}, longest}) {
        EXPECT_EQ(link_to(target, "l")->read_link(stranger).value(), target);
        ASSERT_TRUE(root->remove(alice, "l"));
    }
    EXPECT_EQ(outcome_of(file(alice, "f")->read_link(alice)), std::errc::invalid_argument);
    EXPECT_EQ(outcome_of(root->read_link(alice)), std::errc::invalid_argument);
    EXPECT_EQ(outcome_of(special(FileType::fifo, "p")->read_link(alice)),
              std::errc::invalid_argument);
}

TEST_P(Data, SpaceIsUsedAndGivenBack) {
    const auto space = files.root(Patience::ample).value()->space(alice).value();
    EXPECT_GT(space.total_bytes, 0U);
    EXPECT_LE(space.free_bytes, space.total_bytes);
    EXPECT_LE(space.available_bytes, space.free_bytes);
    EXPECT_LE(space.free_files, space.total_files);
    auto node = file(alice, "f");
    write(*node, std::string(100'000, 'x'));
    ASSERT_TRUE(node->sync(Sync::all));
    EXPECT_GE(attributes(*node).used, 100'000U);
    ASSERT_TRUE(node->set_attributes(alice, {.size = 0}));
    EXPECT_EQ(attributes(*node).used, 0U);
}

}  // namespace
}  // namespace berth::vfs::test
