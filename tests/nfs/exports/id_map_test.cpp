// Ids of clients and of the server that stand for each other, at the edges of ranges, and what
// squashing makes of them.
#include "nfs/exports/id_map.hpp"

#include <array>
#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nfs/exports/options.hpp"

namespace berth::exports {
namespace {

using ::testing::ElementsAre;
using ::testing::StartsWith;

constexpr std::uint32_t other = 99;

IdMap map_of(std::initializer_list<std::string_view> ranges) {
    IdMap map;
    for (const auto range : ranges) EXPECT_EQ(map.add(range), "") << range;
    return map;
}

TEST(IdMap, WithoutRangesIsNoMap) {
    const IdMap none;
    for (const std::uint32_t id : {0U, 1000U, 0xFFFFFFFEU, 0xFFFFFFFFU}) {
        EXPECT_EQ(none.to_server(id), id);
        EXPECT_EQ(none.to_client(id, other), id);
    }
}

TEST(IdMap, GoesBothWaysUpToTheEdges) {
    const auto map = map_of({"1000-1999:101000", "0:5"});
    const std::pair<std::uint32_t, std::uint32_t> pairs[] = {
        {0, 5}, {1000, 101000}, {1500, 101500}, {1999, 101999}};
    for (const auto& [client, server] : pairs) {
        EXPECT_EQ(map.to_server(client), server);
        EXPECT_EQ(map.to_client(server, other), client);
    }
    for (const std::uint32_t id : {1U, 999U, 2000U, 101000U, 0xFFFFFFFEU, 0xFFFFFFFFU})
        EXPECT_FALSE(map.to_server(id)) << id;
}

TEST(IdMap, ShowsNoServerIdAsOneOfTheClients) {
    const auto map = map_of({"1000-1999:101000"});
    for (const std::uint32_t id : {1000U, 1500U, 1999U}) EXPECT_EQ(map.to_client(id, other), other);
    for (const std::uint32_t id : {0U, 999U, 2000U, 100999U, 102000U, 0xFFFFFFFFU})
        EXPECT_EQ(map.to_client(id, other), id);
    // One range may lie where the other comes from.
    const auto swapped = map_of({"1:2", "2:1"});
    EXPECT_EQ(swapped.to_client(1, other), 2U);
    EXPECT_EQ(swapped.to_client(2, other), 1U);
}

TEST(IdMap, TakesAllIdsThereAre) {
    const auto map = map_of({"0-4294967294:0"});
    EXPECT_EQ(map.to_server(0xFFFFFFFE), 0xFFFFFFFEU);
    EXPECT_FALSE(map.to_server(0xFFFFFFFF));
    EXPECT_EQ(map.to_client(0xFFFFFFFF, other), 0xFFFFFFFFU);
}

TEST(IdMap, TakesNoRangeThatWrapsOverlapsOrIsNone) {
    auto map = map_of({"1000-1999:101000"});
    const std::pair<std::string_view, std::string_view> wrong[] = {
        {"", "expected"},
        {"1", "expected"},
        {":", "expected"},
        {"1-2", "expected"},
        {"1-:5", "expected"},
        {"-2:5", "expected"},
        {"1:2:3", "expected"},
        {"1-2-3:4", "expected"},
        {"a:b", "expected"},
        {" 1:2", "expected"},
        {"4294967296:1", "expected"},
        {"1:4294967296", "expected"},
        {"2-1:5", "the last id comes before"},
        {"4294967295:1", "goes past"},
        {"0-4294967295:0", "goes past"},
        {"1:4294967295", "goes past"},
        {"1-2:4294967294", "goes past"},
        {"0-4294967294:1", "goes past"},
        {"1999:1", "overlaps the client ids of 1000-1999:101000"},
        {"0-1000:1", "overlaps the client ids"},
        {"0-5000:1", "overlaps the client ids"},
        {"0:101000", "overlaps the server ids of 1000-1999:101000"},
        {"0-1:100999", "overlaps the server ids"},
        {"0:101999", "overlaps the server ids"},
    };
    for (const auto& [range, problem] : wrong) EXPECT_THAT(map.add(range), StartsWith(problem));
    EXPECT_EQ(map.ranges().size(), 1U);
    EXPECT_EQ(map.add("999:100999"), "");
    EXPECT_EQ(map.add("2000:102000"), "");
    EXPECT_EQ(map.add("4294967294:4294967294"), "");
}

TEST(IdMap, IsAppliedToWhoIsBelieved) {
    Options options{.anonymous_uid = 7, .anonymous_gid = 8};
    options.users = map_of({"0-1999:100000"});
    options.groups = map_of({"0-1999:200000"});
    const std::array<gid_t, 4> claimed{0, 5, 3000, 0xFFFFFFFF};
    std::array<gid_t, 4> room{};
    const auto user = squash(options, {1000, 1001, claimed}, room);
    EXPECT_EQ(user.uid, 101000U);
    EXPECT_EQ(user.gid, 201001U);
    EXPECT_THAT(user.groups, ElementsAre(8, 200005));
    const auto root = squash(options, {0, 0, {}}, room);
    EXPECT_EQ(root.uid, 7U);
    EXPECT_EQ(root.gid, 8U);
    options.squash = Squash::none;
    EXPECT_EQ(squash(options, {0, 0, {}}, room).uid, 100000U);
    const auto stranger = squash(options, {2000, 0xFFFFFFFF, {}}, room);
    EXPECT_EQ(stranger.uid, 7U);
    EXPECT_EQ(stranger.gid, 8U);
    options.squash = Squash::all;
    EXPECT_EQ(squash(options, {1000, 1001, claimed}, room).uid, 7U);
}

}  // namespace
}  // namespace berth::exports
