// Making files, directories, links to paths, special files.
#include "tests/nfs/vfs/conformance/conformance.hpp"

namespace berth::vfs::test {
namespace {

using namespace std::string_view_literals;

constexpr auto exists_already = std::errc::file_exists;

using Create = Conformance;
INSTANTIATE_TEST_SUITE_P(Vfs, Create, ::testing::ValuesIn(implementations()),
                         ::testing::PrintToStringParamName());

/// The five ways of making an entry, all with the same arguments.
std::vector<Outcome> all_outcomes(FileSystem& files, Node& directory, const Caller& who,
                                  std::string_view name, Node& target,
                                  const NewAttributes& wanted = {.mode = 0644}) {
    return {
        outcome_of(
            directory.create(who, name, {.mode = CreateMode::guarded, .attributes = wanted})),
        outcome_of(directory.make_directory(who, name, wanted)),
        outcome_of(directory.make_symbolic_link(who, name, "target", wanted)),
        outcome_of(directory.make_special(who, name, {.attributes = wanted})),
        outcome_of(files.link(who, target, directory, name)),
    };
}
std::vector<Outcome> all_are(std::errc error) {
    return std::vector<Outcome>(5, error);
}

TEST_P(Create, NamesThatAreTaken) {
    auto target = file(alice, "f");
    for (const auto* name : {"f", ".", ".."}) {
        EXPECT_EQ(all_outcomes(files, *root, alice, name, *target), all_are(exists_already))
            << name;
    }
    auto closed = directory(root_user, "d", 0755);
    file_in(*closed, root_user, "f");
    EXPECT_EQ(all_outcomes(files, *closed, alice, "f", *target), all_are(exists_already))
        << "rather than permission_denied: that it exists is plain to see";
}

TEST_P(Create, NamesThatAreNone) {
    auto target = file(alice, "f");
    for (const auto name : {""sv, "a/b"sv, "/"sv, "a\0b"sv}) {
        EXPECT_EQ(all_outcomes(files, *root, alice, name, *target), all_are(denied));
    }
    EXPECT_EQ(all_outcomes(files, *root, alice, std::string(256, 'n'), *target),
              all_are(std::errc::filename_too_long));
    EXPECT_EQ(names_in(*root), std::vector<std::string>{"f"});
}

TEST_P(Create, NeedsADirectory) {
    auto target = file(alice, "f");
    for (const auto& node : neither_file_nor_directory()) {
        EXPECT_EQ(all_outcomes(files, *node, alice, "x", *target),
                  all_are(std::errc::not_a_directory));
    }
    EXPECT_EQ(all_outcomes(files, *target, alice, "x", *target),
              all_are(std::errc::not_a_directory));
}

TEST_P(Create, NeedsWriteAndExecutePermissionOnTheDirectory) {
    auto target = file(alice, "f", 0666);
    for (const std::uint32_t mode : {0555U, 0666U, 0444U}) {
        auto below = directory(alice, "d", mode);
        EXPECT_EQ(all_outcomes(files, *below, alice, "x", *target), all_are(denied))
            << "even the owner";
        EXPECT_EQ(all_outcomes(files, *below, stranger, "x", *target), all_are(denied));
        EXPECT_TRUE(names_in(*below).empty());
        EXPECT_EQ(outcome_of(below->create(root_user, "x", {})), success);
        ASSERT_TRUE(below->remove(root_user, "x"));
        ASSERT_TRUE(root->remove_directory(alice, "d"));
    }
    auto open = directory(alice, "e", 0333);
    EXPECT_EQ(outcome_of(open->create(stranger, "x", {})), success);
}

TEST_P(Create, GivesTheObjectToTheCaller) {
    struct Case {
        NodePtr made;
        std::uint32_t mode;
    };
    const NewAttributes wanted{.mode = 0751};
    const Case table[] = {
        {root->create(bob, "f", {.attributes = wanted}).value(), 0751},
        {root->make_directory(bob, "d", wanted).value(), 0751},
        {root->make_symbolic_link(bob, "l", "target", wanted).value(), 0777},
        {root->make_special(bob, "p", {.attributes = wanted}).value(), 0751},
        {root->create(bob, "g", {}).value(), 0600},
        {root->create(bob, "h", {.mode = CreateMode::exclusive}).value(), 0600},
        {root->make_directory(bob, "e", {}).value(), 0700},
        {root->make_special(bob, "s", {.type = FileType::socket}).value(), 0600},
    };
    for (const auto& [made, mode] : table) {
        EXPECT_EQ(attributes(*made).uid, 1001U);
        EXPECT_EQ(attributes(*made).gid, 1001U);
        EXPECT_EQ(attributes(*made).mode, mode);
    }
}

TEST_P(Create, EveryAttributeIsSet) {
    const NewAttributes wanted{.mode = 0640,
                               .uid = 7,
                               .gid = 8,
                               .size = 9,
                               .accessed = NewTime{Time{10, 1}},
                               .modified = NewTime{Time{11, 2}}};
    const NodePtr all[] = {
        root->create(root_user, "f", {.attributes = wanted}).value(),
        root->make_directory(root_user, "d", wanted).value(),
        root->make_symbolic_link(root_user, "l", "target", wanted).value(),
        root->make_special(root_user, "p", {.attributes = wanted}).value(),
    };
    for (const auto& made : all) {
        const auto found = attributes(*made);
        EXPECT_EQ(found.uid, 7U);
        EXPECT_EQ(found.gid, 8U);
        EXPECT_EQ(found.accessed, (Time{10, 1}));
        EXPECT_EQ(found.modified, (Time{11, 2}));
        if (found.type == FileType::regular) {
            EXPECT_EQ(found.size, 9U);
        }
    }
}

TEST_P(Create, TheModeAskedForOutlivesTheRest) {
    const NewAttributes wanted{.mode = 06711, .gid = 2000, .size = 100};
    EXPECT_EQ(attributes(*root->create(alice, "f", {.attributes = wanted}).value()).mode, 06711U);
    EXPECT_EQ(attributes(*root->make_directory(alice, "d", wanted).value()).mode, 06711U);
    EXPECT_EQ(attributes(*root->make_special(alice, "p", {.attributes = wanted}).value()).mode,
              06711U);
}

TEST_P(Create, OwnersThatMayNotBeGivenAreLeftOut) {
    const NewAttributes wanted{.mode = 0640, .uid = 0, .gid = 2001};
    const NodePtr all[] = {
        root->create(alice, "f", {.attributes = wanted}).value(),
        root->make_directory(alice, "d", wanted).value(),
        root->make_symbolic_link(alice, "l", "target", wanted).value(),
        root->make_special(alice, "p", {.attributes = wanted}).value(),
    };
    for (const auto& made : all) {
        EXPECT_EQ(attributes(*made).uid, 1000U);
        EXPECT_EQ(attributes(*made).gid, 1000U);
    }
    auto in_group = root->create(alice, "g", {.attributes = {.uid = 1000, .gid = 2000}}).value();
    EXPECT_EQ(attributes(*in_group).gid, 2000U);
}

TEST_P(Create, SetGroupIdDirectoriesPassTheirGroupOn) {
    auto below = directory(root_user, "d", 0777);
    ASSERT_TRUE(below->set_attributes(root_user, {.gid = 2000}));
    ASSERT_TRUE(below->set_attributes(root_user, {.mode = 02777}));
    auto node = file_in(*below, stranger, "f");
    EXPECT_EQ(attributes(*node).gid, 2000U);
    EXPECT_EQ(attributes(*node).mode, 0644U);
    auto deeper = below->make_directory(stranger, "e", {.mode = 0755}).value();
    EXPECT_EQ(attributes(*deeper).gid, 2000U);
    EXPECT_EQ(attributes(*deeper).mode, 02755U);
    auto asked = below->make_directory(stranger, "i", {.mode = 02755}).value();
    EXPECT_EQ(attributes(*asked).mode, 02755U);
    EXPECT_EQ(attributes(*file_in(*below, alice, "g", 02755)).mode, 02755U);
    EXPECT_EQ(attributes(*file_in(*below, stranger, "h", 02755)).mode, 0755U) << "not a member";
}

TEST_P(Create, UncheckedTakesAnExistingFile) {
    auto node = file(alice, "f", 0604);
    write(*node, "hello");
    EXPECT_EQ(root->create(stranger, "f", {.attributes = {.mode = 0777, .uid = 4000}}).value(),
              node);
    EXPECT_EQ(attributes(*node).mode, 0604U);
    EXPECT_EQ(attributes(*node).uid, 1000U);
    EXPECT_EQ(outcome_of(root->create(stranger, "f", {.attributes = {.size = 0}})), denied);
    EXPECT_EQ(read(*node), "hello");
    EXPECT_EQ(root->create(alice, "f", {.attributes = {.size = 0}}).value(), node);
    EXPECT_EQ(attributes(*node).size, 0U);
}

TEST_P(Create, UncheckedTakesWhatIsThereAndExclusiveOnlyFiles) {
    directory(alice, "d");
    neither_file_nor_directory();
    for (const auto* name : {"d", "a-link", "a-fifo", "a-socket", "a-device"}) {
        const auto there = root->lookup(alice, name).value();
        const auto before = attributes(*there);
        EXPECT_EQ(root->create(alice, name, {.attributes = {.mode = 0777, .size = 0}}).value(),
                  there)
            << name;
        EXPECT_EQ(attributes(*there).mode, before.mode) << name;
        EXPECT_EQ(attributes(*there).size, before.size) << name;
        EXPECT_EQ(outcome_of(root->create(alice, name, {.mode = CreateMode::exclusive})),
                  exists_already)
            << name;
    }
    for (const auto* name : {".", ".."})
        EXPECT_EQ(outcome_of(root->create(alice, name, {})), exists_already) << name;
}

TEST_P(Create, GuardedTakesNothing) {
    file(alice, "f");
    EXPECT_EQ(outcome_of(root->create(alice, "f", {.mode = CreateMode::guarded})), exists_already);
}

CreateVerifier verifier(std::uint64_t number) {
    CreateVerifier bytes;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        bytes.at(i) = static_cast<std::byte>(number >> (8 * i));
    }
    return bytes;
}

TEST_P(Create, ExclusiveIsRepeatableWithTheSameVerifier) {
    const NewFile wanted{.mode = CreateMode::exclusive, .verifier = verifier(0x0123456789ABCDEF)};
    auto made = root->create(alice, "f", wanted).value();
    EXPECT_EQ(root->create(alice, "f", wanted).value(), made);
    EXPECT_TRUE(made->read(alice, 0, {}));
    EXPECT_EQ(root->create(alice, "f", wanted).value(), made) << "reading does not disturb it";
    EXPECT_EQ(outcome_of(root->create(bob, "f", wanted)), exists_already) << "somebody else's";
    ASSERT_TRUE(made->set_attributes(alice, {.mode = 0644}));
    EXPECT_EQ(root->create(alice, "f", wanted).value(), made);
    ASSERT_TRUE(made->set_attributes(alice, {.accessed = NewTime{}, .modified = NewTime{}}));
    EXPECT_EQ(outcome_of(root->create(alice, "f", wanted)), exists_already);
}

TEST_P(Create, ExclusiveKeepsEveryBitOfTheVerifier) {
    constexpr std::uint64_t numbers[] = {0, ~std::uint64_t{0}, 0x8000000080000000};
    for (const auto number : numbers) {
        const auto name = std::to_string(number);
        ASSERT_TRUE(root->create(alice, name,
                                 {.mode = CreateMode::exclusive, .verifier = verifier(number)}));
        for (unsigned bit = 0; bit < 64; ++bit) {
            const auto other = verifier(number ^ std::uint64_t{1} << bit);
            EXPECT_EQ(outcome_of(root->create(alice, name,
                                              {.mode = CreateMode::exclusive, .verifier = other})),
                      exists_already)
                << bit;
        }
        EXPECT_EQ(outcome_of(root->create(
                      alice, name, {.mode = CreateMode::exclusive, .verifier = verifier(number)})),
                  success);
    }
}

TEST_P(Create, ExclusiveDoesNotTakeOtherFiles) {
    const NewFile wanted{.mode = CreateMode::exclusive, .verifier = verifier(0)};
    file(alice, "f");
    EXPECT_EQ(outcome_of(root->create(alice, "f", wanted)), exists_already);
    auto made = root->create(alice, "g", wanted).value();
    write(*made, "x");
    EXPECT_EQ(outcome_of(root->create(alice, "g", wanted)), exists_already) << "in use by now";
}

TEST_P(Create, SpecialFilesOfEveryType) {
    struct Case {
        FileType type;
        DeviceNumber device;
        Outcome for_alice;
    };
    const Case table[] = {
        {FileType::fifo, {}, success},
        {FileType::socket, {}, success},
        {FileType::character_device, {1, 3}, std::errc::operation_not_permitted},
        {FileType::block_device, {4095, 1'048'575}, std::errc::operation_not_permitted},
        {FileType::regular, {}, std::errc::invalid_argument},
        {FileType::directory, {}, std::errc::invalid_argument},
        {FileType::symbolic_link, {}, std::errc::invalid_argument},
    };
    for (const auto& [type, device, for_alice] : table) {
        const SpecialFile wanted{.type = type, .device = device, .attributes = {.mode = 0604}};
        EXPECT_EQ(outcome_of(root->make_special(alice, "a", wanted)), for_alice);
        const auto made = root->make_special(root_user, "r", wanted);
        if (!made) {
            EXPECT_EQ(outcome_of(made), std::errc::invalid_argument);
            continue;
        }
        EXPECT_EQ(attributes(**made).type, type);
        EXPECT_EQ(attributes(**made).device, device);
        EXPECT_EQ(attributes(**made).mode, 0604U);
        ASSERT_TRUE(root->remove(root_user, "r"));
        static_cast<void>(root->remove(root_user, "a"));
    }
}

TEST_P(Create, SymbolicLinksToNothing) {
    const auto make = [&](std::string_view target) {
        return outcome_of(root->make_symbolic_link(alice, "l", target, {}));
    };
    EXPECT_EQ(make(""), std::errc::no_such_file_or_directory);
    EXPECT_EQ(make("a\0b"sv), std::errc::invalid_argument);
    EXPECT_EQ(make(std::string(4096, 'x')), std::errc::filename_too_long);
    EXPECT_FALSE(exists(*root, "l"));
}

}  // namespace
}  // namespace berth::vfs::test
