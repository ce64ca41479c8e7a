// Finding objects: by name, by id, through listings.
#include <algorithm>
#include <map>
#include <set>

#include "tests/nfs/vfs/conformance/conformance.hpp"

namespace berth::vfs::test {
namespace {

using namespace std::string_view_literals;

using Lookup = Conformance;
INSTANTIATE_TEST_SUITE_P(Vfs, Lookup, ::testing::ValuesIn(implementations()),
                         ::testing::PrintToStringParamName());

TEST_P(Lookup, FindsWhatWasMade) {
    auto made = file(alice, "f");
    EXPECT_EQ(root->lookup(stranger, "f").value()->id(), made->id());
    EXPECT_EQ(root->lookup(stranger, "f").value(), made) << "one node for one object";
    EXPECT_EQ(files.find(made->id(), Patience::ample).value(), made);
    const auto listed = root->peek(stranger, "f").value();
    EXPECT_EQ(listed.id, made->id());
    EXPECT_EQ(listed.attributes, attributes(*made));
    EXPECT_EQ(outcome_of(root->lookup(alice, "F")), std::errc::no_such_file_or_directory);
    EXPECT_EQ(outcome_of(root->peek(alice, "g")), std::errc::no_such_file_or_directory);
}

TEST_P(Lookup, DotsStayInsideTheTree) {
    auto below = directory(alice, "d");
    EXPECT_EQ(below->lookup(alice, ".").value(), below);
    EXPECT_EQ(below->lookup(alice, "..").value(), root);
    EXPECT_EQ(root->lookup(alice, "..").value(), root);
    EXPECT_EQ(root->lookup(alice, ".").value(), root);
    EXPECT_EQ(root->peek(alice, "..")->id, root->id());
    EXPECT_EQ(below->peek(alice, "..")->id, root->id());
    EXPECT_EQ(below->peek(alice, "..")->attributes, attributes(*root));
}

TEST_P(Lookup, DoesNotFollowLinks) {
    directory(alice, "d");
    auto link = link_to("d", "l");
    EXPECT_EQ(root->lookup(alice, "l").value(), link);
    EXPECT_EQ(root->peek(alice, "l")->attributes.type, FileType::symbolic_link);
    EXPECT_EQ(outcome_of(link->lookup(alice, "x")), std::errc::not_a_directory);
}

TEST_P(Lookup, NeedsADirectory) {
    auto others = neither_file_nor_directory();
    others.push_back(file(alice, "f"));
    for (const auto& node : others) {
        EXPECT_EQ(outcome_of(node->lookup(root_user, "x")), std::errc::not_a_directory);
        EXPECT_EQ(outcome_of(node->lookup(root_user, ".")), std::errc::not_a_directory);
        EXPECT_EQ(outcome_of(node->peek(root_user, "x")), std::errc::not_a_directory);
    }
}

TEST_P(Lookup, NeedsExecutePermissionAndNoOther) {
    auto closed = directory(alice, "d", 0666);
    auto open = directory(alice, "e", 0711);
    file_in(*open, alice, "f");
    for (const auto* name : {"f", ".", "..", "missing"}) {
        EXPECT_EQ(outcome_of(closed->lookup(alice, name)), std::errc::permission_denied) << name;
        EXPECT_EQ(outcome_of(closed->peek(stranger, name)), std::errc::permission_denied) << name;
    }
    EXPECT_EQ(outcome_of(closed->lookup(root_user, "missing")),
              std::errc::no_such_file_or_directory);
    EXPECT_EQ(outcome_of(open->lookup(stranger, "f")), success);
    EXPECT_EQ(outcome_of(open->peek(stranger, "..")), success);
}

TEST_P(Lookup, TheClassOfTheCallerDecidesAlone) {
    auto for_others = directory(alice, "d", 0007);
    EXPECT_EQ(outcome_of(for_others->lookup(alice, ".")), std::errc::permission_denied) << "owner";
    EXPECT_EQ(outcome_of(for_others->lookup(bob, ".")), std::errc::permission_denied) << "group";
    EXPECT_EQ(outcome_of(for_others->lookup(stranger, ".")), success);
    auto for_group = directory(alice, "e", 0070);
    EXPECT_EQ(outcome_of(for_group->lookup(bob, ".")), success);
    EXPECT_EQ(outcome_of(for_group->lookup(alice, ".")), std::errc::permission_denied);
}

TEST_P(Lookup, RefusesNamesThatAreNone) {
    const std::string longest(255, 'n');
    const std::string too_long(256, 'n');
    file(alice, longest);
    EXPECT_EQ(outcome_of(root->lookup(alice, longest)), success);
    EXPECT_EQ(outcome_of(root->lookup(alice, too_long)), std::errc::filename_too_long);
    EXPECT_EQ(outcome_of(root->peek(alice, too_long)), std::errc::filename_too_long);
    for (const auto name : {""sv, "a/b"sv, "/"sv, "../x"sv, "f\0g"sv}) {
        EXPECT_EQ(outcome_of(root->lookup(root_user, name)), std::errc::permission_denied);
    }
    EXPECT_EQ(files.limits().name_bytes_max, 255U);
}

TEST_P(Lookup, RemovedObjectsAreStale) {
    auto node = file(alice, "f");
    auto gone = directory(alice, "d");
    auto link = link_to("target", "l");
    const auto ids = {node->id(), gone->id()};
    ASSERT_TRUE(root->remove(alice, "f"));
    ASSERT_TRUE(root->remove_directory(alice, "d"));
    ASSERT_TRUE(root->remove(alice, "l"));
    for (const auto& id : ids) EXPECT_EQ(outcome_of(files.find(id, Patience::ample)), stale);
    EXPECT_EQ(outcome_of(node->attributes(Patience::ample)), stale);
    EXPECT_EQ(outcome_of(node->access(alice, may_read)), stale);
    EXPECT_EQ(outcome_of(node->set_attributes(alice, {.mode = 0600})), stale);
    std::array<std::byte, 1> byte{};
    EXPECT_EQ(outcome_of(node->read(alice, 0, byte)), stale);
    EXPECT_EQ(outcome_of(node->write(alice, 0, byte)), stale);
    EXPECT_EQ(outcome_of(files.link(alice, *node, *root, "g")), stale);
    EXPECT_EQ(outcome_of(link->read_link(alice)), stale);
    for (const auto* name : {"x", ".", ".."}) {
        EXPECT_EQ(outcome_of(gone->lookup(alice, name)), stale) << name;
        EXPECT_EQ(outcome_of(gone->peek(alice, name)), stale) << name;
    }
    EXPECT_EQ(outcome_of(gone->create(alice, "x", {})), stale);
    EXPECT_EQ(outcome_of(gone->make_directory(alice, "x", {})), stale);
    EXPECT_EQ(outcome_of(gone->remove(alice, "x")), stale);
    EXPECT_EQ(outcome_of(gone->list(alice, 0, [](const auto&) { return true; })), stale);
    file(alice, "h");
    EXPECT_EQ(outcome_of(files.rename(alice, *root, "h", *gone, "h")), stale);
}

TEST_P(Lookup, RenamedObjectsStayWhatTheyAre) {
    auto node = file(alice, "f");
    auto below = directory(alice, "d");
    const auto id = node->id();
    ASSERT_TRUE(files.rename(alice, *root, "f", *below, "g"));
    EXPECT_EQ(files.find(id, Patience::ample).value(), node);
    EXPECT_EQ(below->lookup(alice, "g").value(), node);
}

using Listing = Conformance;
INSTANTIATE_TEST_SUITE_P(Vfs, Listing, ::testing::ValuesIn(implementations()),
                         ::testing::PrintToStringParamName());

TEST_P(Listing, ShowsEveryEntryOnceWithItsFileid) {
    auto below = directory(alice, "d");
    std::map<std::string, std::uint64_t, std::less<>> expected{{".", attributes(*below).fileid},
                                                               {"..", attributes(*root).fileid}};
    for (int i = 0; i < 500; ++i) {
        const auto name = "entry-" + std::to_string(i);
        expected[name] = attributes(*file_in(*below, alice, name)).fileid;
    }
    std::set<std::uint64_t> cookies;
    std::size_t seen = 0;
    EXPECT_TRUE(below
                    ->list(alice, 0,
                           [&](const DirectoryEntry& entry) {
                               ++seen;
                               EXPECT_EQ(expected.at(std::string{entry.name}), entry.fileid);
                               EXPECT_TRUE(cookies.insert(entry.cookie).second);
                               EXPECT_GT(entry.cookie, 0U);
                               EXPECT_LT(entry.cookie, std::uint64_t{1} << 63);
                               return true;
                           })
                    .value());
    EXPECT_EQ(seen, expected.size());
}

TEST_P(Listing, TheRootsParentIsTheRoot) {
    EXPECT_TRUE(root->list(alice, 0, [&](const DirectoryEntry& entry) {
        EXPECT_EQ(entry.fileid, attributes(*root).fileid) << entry.name;
        return true;
    }));
}

/// The whole directory, a few entries at a time; before each part, `meanwhile` is called.
std::vector<std::string> list_in_parts(Node& directory, std::size_t part,
                                       const std::function<void()>& meanwhile) {
    std::vector<std::string> names;
    std::uint64_t cookie = 0;
    for (bool at_end = false; !at_end;) {
        meanwhile();
        std::size_t room = part;
        at_end = directory
                     .list(alice, cookie,
                           [&](const DirectoryEntry& entry) {
                               if (room == 0) return false;
                               --room;
                               names.emplace_back(entry.name);
                               cookie = entry.cookie;
                               return true;
                           })
                     .value();
    }
    return names;
}

TEST_P(Listing, GoesOnWhereItStopped) {
    auto below = directory(alice, "d");
    for (int i = 0; i < 300; ++i) file_in(*below, alice, "entry-" + std::to_string(i));
    for (const std::size_t part : {1U, 2U, 7U, 128U, 1000U}) {
        auto names = list_in_parts(*below, part, [] {});
        EXPECT_EQ(names.size(), 302U);
        EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), 302U);
    }
}

TEST_P(Listing, EntriesThatStayAreSeenOnceWhateverChanges) {
    auto below = directory(alice, "d");
    for (int i = 0; i < 200; ++i) {
        file_in(*below, alice, "stays-" + std::to_string(i));
        file_in(*below, alice, "goes-" + std::to_string(i));
    }
    int step = 0;
    const auto names = list_in_parts(*below, 5, [&] {
        const auto number = std::to_string(step++);
        static_cast<void>(below->remove(alice, "goes-" + number));
        if (step < 200) file_in(*below, alice, "comes-" + number);
        const auto moved = "goes-" + std::to_string(199 - step);
        static_cast<void>(files.rename(alice, *below, moved, *below, moved + "-away"));
    });
    std::multiset<std::string> seen(names.begin(), names.end());
    for (int i = 0; i < 200; ++i) EXPECT_EQ(seen.count("stays-" + std::to_string(i)), 1U) << i;
}

TEST_P(Listing, RemovingWhatWasListedEmptiesTheDirectory) {
    auto below = directory(alice, "d");
    for (int i = 0; i < 300; ++i) file_in(*below, alice, std::to_string(i));
    std::vector<std::string> listed;
    std::uint64_t cookie = 0;
    for (bool at_end = false; !at_end;) {
        listed.clear();
        at_end = below
                     ->list(alice, cookie,
                            [&](const DirectoryEntry& entry) {
                                if (listed.size() == 10) return false;
                                listed.emplace_back(entry.name);
                                cookie = entry.cookie;
                                return true;
                            })
                     .value();
        for (const auto& name : listed) {
            if (name == "." || name == "..") continue;
            EXPECT_TRUE(below->remove(alice, name));
        }
    }
    EXPECT_TRUE(root->remove_directory(alice, "d"));
}

TEST_P(Listing, NeedsADirectoryAndReadPermission) {
    const auto all = [](const DirectoryEntry&) { return true; };
    EXPECT_EQ(outcome_of(file(alice, "f")->list(alice, 0, all)), std::errc::not_a_directory);
    auto closed = directory(alice, "d", 0333);
    EXPECT_EQ(outcome_of(closed->list(alice, 0, all)), std::errc::permission_denied)
        << "owning it is not enough: that is for files";
    EXPECT_EQ(outcome_of(closed->list(root_user, 0, all)), success);
    EXPECT_EQ(outcome_of(directory(alice, "e", 0444)->list(stranger, 0, all)), success);
}

}  // namespace
}  // namespace berth::vfs::test
