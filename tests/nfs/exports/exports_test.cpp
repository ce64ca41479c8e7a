#include "nfs/exports/exports.hpp"

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace berth::exports {
namespace {

using namespace std::string_view_literals;
using ::testing::HasSubstr;

Table exports(std::initializer_list<std::string_view> paths) {
    std::vector<Export> all;
    for (const auto path : paths) all.push_back(make_export(path, nullptr));
    return Table{std::move(all)};
}

TEST(NormalisedPath, HasOneSpelling) {
    const std::pair<std::string_view, std::string_view> table[] = {
        {"/", "/"},
        {"//", "/"},
        {"/.", "/"},
        {"/./", "/"},
        {"/a", "/a"},
        {"/a/", "/a"},
        {"//a", "/a"},
        {"/a//b///", "/a/b"},
        {"/a/./b/.", "/a/b"},
        {"/.a", "/.a"},
        {"/a./b", "/a./b"},
        {"/...", "/..."},
        {"/..a/b..", "/..a/b.."},
        {"/ a", "/ a"},
        {"/\xff\n", "/\xff\n"},
    };
    for (const auto& [path, expected] : table) EXPECT_EQ(normalised(path), expected) << path;
}

TEST(NormalisedPath, RefusesWhatCouldLeadElsewhere) {
    for (const auto path : {""sv, "a"sv, "./a"sv, "/.."sv, "/a/.."sv, "/a/../b"sv, "/../a"sv,
                            "/a/../"sv, "/a\0b"sv, " /a"sv}) {
        EXPECT_EQ(normalised(path), std::nullopt) << path;
    }
}

TEST(Exports, MatchTheLongestParent) {
    const auto all = exports({"/srv", "/srv/data", "/srv/data/deep/er", "/home"});
    struct Case {
        std::string_view path;
        std::string_view found;
        std::string_view rest;
    };
    const Case table[] = {
        {"/srv", "/srv", ""},
        {"/srv/", "/srv", ""},
        {"//srv//x/./y/", "/srv", "x/y"},
        {"/srv/data", "/srv/data", ""},
        {"/srv/data/x", "/srv/data", "x"},
        {"/srv/data/deep", "/srv/data", "deep"},
        {"/srv/data/deep/er/x", "/srv/data/deep/er", "x"},
        {"/srv/database", "/srv", "database"},
        {"/home", "/home", ""},
    };
    for (const auto& [path, found, rest] : table) {
        const auto matches = all.matches(path);
        ASSERT_FALSE(matches.empty()) << path;
        EXPECT_EQ(matches.front().found->path, found) << path;
        EXPECT_EQ(matches.front().rest, rest) << path;
    }
    for (const auto path : {"/"sv, "/sr"sv, "/srvx"sv, "/homes"sv, "srv"sv, ""sv, "/srv/../etc"sv,
                            "/srv/.."sv, "/srv\0/x"sv}) {
        EXPECT_TRUE(all.matches(path).empty()) << path;
    }
}

TEST(Exports, RootMatchesEverything) {
    const auto all = exports({"/", "/srv"});
    EXPECT_EQ(all.matches("/").front().found->path, "/");
    EXPECT_EQ(all.matches("/").front().rest, "");
    EXPECT_EQ(all.matches("/etc/x").front().found->path, "/");
    EXPECT_EQ(all.matches("/etc/x").front().rest, "etc/x");
    EXPECT_EQ(all.matches("/srv/x").front().found->path, "/srv");
    EXPECT_TRUE(all.matches("/../x").empty());
}

TEST(Exports, AreFoundById) {
    const auto all = exports({"/a", "/b"});
    for (const auto& one : all.all()) EXPECT_EQ(all.find(one.id), &one);
    EXPECT_EQ(all.find(ExportId{12345}), nullptr);
    EXPECT_EQ(Table{}.find(ExportId{0}), nullptr);
    EXPECT_TRUE(Table{}.all().empty());
}

// Clients hold handles with the id, and take another fsid for another file system: these must be
// the same in every release.
TEST(Exports, IdsFollowFromThePathAlone) {
    const auto one = make_export("//srv/data/./", nullptr);
    EXPECT_EQ(one.path, "/srv/data");
    EXPECT_EQ(one.fsid, 0x12d15095ea5b6ea7U) << "SipHash-2-4 with a key of zeros, big endian";
    EXPECT_EQ(one.id, ExportId{0xea5b6ea7}) << "its lower half";
    EXPECT_EQ(make_export("/srv/data", nullptr, Options{.read_only = true}).id, one.id);
    EXPECT_NE(make_export("/srv/datb", nullptr).id, one.id);
}

TEST(Exports, RefuseBadPathsAndTwins) {
    EXPECT_THROW(make_export("srv", nullptr), std::invalid_argument);
    EXPECT_THROW(make_export("/srv/../etc", nullptr), std::invalid_argument);
    try {
        exports({"/a", "/b", "/a/"});
        FAIL() << "the same path twice";
    } catch (const std::invalid_argument& problem) {
        EXPECT_THAT(problem.what(), HasSubstr("/a"));
    }
    auto a = make_export("/a", nullptr);
    auto b = make_export("/b", nullptr);
    b.id = a.id;
    EXPECT_THROW((Table{{a, b}}), std::invalid_argument);
    b = make_export("/b", nullptr);
    b.fsid = a.fsid;
    EXPECT_THROW((Table{{a, b}}), std::invalid_argument);
}

constexpr std::uint32_t nobody = 65534;
constexpr std::uint32_t no_id = 0xFFFFFFFF;

struct Squashed {
    std::uint32_t uid;
    std::uint32_t gid;
    std::vector<gid_t> groups;
    bool operator==(const Squashed&) const = default;
};

Squashed squashed(Squash how, uid_t uid, gid_t gid, const std::vector<gid_t>& groups,
                  Options options = {}) {
    options.squash = how;
    std::vector<gid_t> room(groups.size());
    const auto identity = squash(options, {.uid = uid, .gid = gid, .groups = groups}, room);
    return {identity.uid, identity.gid, {identity.groups.begin(), identity.groups.end()}};
}

TEST(Squash, RootLosesUidGidAndGroupZero) {
    EXPECT_EQ(squashed(Squash::root, 0, 0, {0, 5, 0}),
              (Squashed{nobody, nobody, {nobody, 5, nobody}}));
    EXPECT_EQ(squashed(Squash::root, 0, 10, {20}), (Squashed{nobody, 10, {20}}));
    EXPECT_EQ(squashed(Squash::root, 1000, 0, {}), (Squashed{1000, nobody, {}}));
    EXPECT_EQ(squashed(Squash::root, 1000, 1000, {0}), (Squashed{1000, 1000, {nobody}}));
    EXPECT_EQ(squashed(Squash::root, 1000, 1000, {4, 24}), (Squashed{1000, 1000, {4, 24}}));
}

TEST(Squash, NoneBelievesEverybody) {
    EXPECT_EQ(squashed(Squash::none, 0, 0, {0, 1}), (Squashed{0, 0, {0, 1}}));
    EXPECT_EQ(squashed(Squash::none, 7, 8, {9}), (Squashed{7, 8, {9}}));
}

TEST(Squash, AllBelievesNobody) {
    EXPECT_EQ(squashed(Squash::all, 1000, 1000, {1, 2}), (Squashed{nobody, nobody, {}}));
    EXPECT_EQ(squashed(Squash::all, 0, 0, {0}), (Squashed{nobody, nobody, {}}));
}

TEST(Squash, TheIdThatIsNoneIsAnonymous) {
    for (const auto how : {Squash::none, Squash::root}) {
        EXPECT_EQ(squashed(how, no_id, 5, {no_id, 6}), (Squashed{nobody, 5, {6}}));
        EXPECT_EQ(squashed(how, 5, no_id, {}), (Squashed{5, nobody, {}}));
    }
}

TEST(Squash, AnonymousIsWhomTheExportSays) {
    const Options options{.anonymous_uid = 99, .anonymous_gid = 98};
    EXPECT_EQ(squashed(Squash::root, 0, 0, {0}, options), (Squashed{99, 98, {98}}));
    EXPECT_EQ(squashed(Squash::all, 5, 5, {5}, options), (Squashed{99, 98, {}}));
    EXPECT_EQ(anonymous(options).uid, 99U);
    EXPECT_EQ(anonymous(options).gid, 98U);
    EXPECT_TRUE(anonymous(options).groups.empty());
}

TEST(Squash, TakesMoreGroupsThanFitInACredential) {
    std::vector<gid_t> groups(1000, 7);
    groups.back() = 0;
    auto expected = groups;
    expected.back() = nobody;
    EXPECT_EQ(squashed(Squash::root, 1, 1, groups), (Squashed{1, 1, expected}));
}

}  // namespace
}  // namespace berth::exports
