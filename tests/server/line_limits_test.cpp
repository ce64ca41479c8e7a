// Lines that a peer can have written as often as it likes.
#include "server/line_limits.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace berth::server {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr const char* kind = "{} sent nonsense";
constexpr const char* other_kind = "{} sent too much";
constexpr std::chrono::seconds minute{60};

class LineLimitsTest : public testing::Test {
protected:
    int written(const char* of_kind, const char* peer, int lines,
                rpc::Pace pace = rpc::Pace::often) {
        int count = 0;
        for (int i = 0; i < lines; ++i)
            count += limits_.admits({.kind = of_kind, .peer = peer, .path = {}, .pace = pace},
                                    spdlog::level::warn, std::string{peer} + " did it", now_);
        return count;
    }
    bool is_written_about(const std::string& path, const char* peer = "10.0.0.1") {
        return limits_.admits({.kind = kind, .peer = peer, .path = path}, spdlog::level::warn,
                              std::string{peer} + " asked for " + path, now_);
    }
    int written_about(const std::string& path, int lines) {
        int count = 0;
        for (int i = 0; i < lines; ++i) count += is_written_about(path) ? 1 : 0;
        return count;
    }
    int rarely_written(const char* of_kind, const char* peer, int lines) {
        return written(of_kind, peer, lines, rpc::Pace::rarely);
    }
    std::vector<std::string> summaries(LineLimits::Time now) {
        std::vector<std::string> texts;
        for (const auto& summary : limits_.take_summaries(now)) texts.push_back(summary.text);
        return texts;
    }

    LineLimits limits_{{.of_peer_max = 3,
                        .of_paths_max = 5,
                        .of_kind_max = 7,
                        .window = minute,
                        .between_rare = std::chrono::hours{1},
                        .rare_max = 10}};
    LineLimits::Time now_{std::chrono::hours{1}};
};

TEST_F(LineLimitsTest, EachPeerHasAFewOfEachKind) {
    EXPECT_EQ(written(kind, "10.0.0.1", 100), 3);
    EXPECT_EQ(written(kind, "10.0.0.2", 2), 2);
    EXPECT_EQ(written(other_kind, "10.0.0.1", 100), 3);
}

TEST_F(LineLimitsTest, WhatIsHeldBackIsCountedAndSaidWhenTheMinuteIsOver) {
    written(kind, "10.0.0.1", 100);
    EXPECT_THAT(summaries(now_ + minute - std::chrono::seconds{1}), IsEmpty());
    EXPECT_EQ(limits_.next_end(), now_ + minute);
    EXPECT_THAT(summaries(now_ + minute),
                ElementsAre("10.0.0.1 did it (97 more like this from 10.0.0.1)"));
    EXPECT_EQ(limits_.next_end(), std::nullopt);
    EXPECT_EQ(written(kind, "10.0.0.1", 100), 3) << "a new minute";
}

TEST_F(LineLimitsTest, AllPeersTogetherHaveAFew) {
    int count = 0;
    for (int i = 0; i < 50; ++i) count += written(kind, std::to_string(i).c_str(), 1);
    EXPECT_EQ(count, 7);
    EXPECT_THAT(summaries(now_ + minute),
                ElementsAre("7 did it (43 more like this from various hosts)"));
}

TEST_F(LineLimitsTest, APathHoldsBackNoOther) {
    EXPECT_EQ(written_about("/a", 100), 3);
    EXPECT_EQ(written_about("/b", 1), 1);
    EXPECT_THAT(summaries(now_ + minute),
                ElementsAre("10.0.0.1 asked for /a (97 more like this from 10.0.0.1)"));
}

TEST_F(LineLimitsTest, OfManyPathsSomeAreNamedInTheSummary) {
    for (int i = 0; i < 5; ++i) EXPECT_TRUE(is_written_about("/" + std::to_string(i)));
    for (int round = 0; round < 3; ++round)
        for (int i = 5; i < 8; ++i) EXPECT_FALSE(is_written_about("/" + std::to_string(i)));
    EXPECT_FALSE(is_written_about("/it's"));
    EXPECT_TRUE(is_written_about("/a", "10.0.0.2")) << "another peer has its own lines";
    EXPECT_THAT(summaries(now_ + minute),
                ElementsAre("10.0.0.1 asked for /5 (10 more like this from 10.0.0.1, of '/6', "
                            "'/7', '/it\\x27s')"));
    for (int i = 0; i < 100; ++i) is_written_about("/" + std::to_string(i));
    EXPECT_THAT(summaries(now_ + minute),
                ElementsAre("10.0.0.1 asked for /5 (95 more like this from 10.0.0.1, of '/6', "
                            "'/7', '/8', '/9', '/10', '/11', '/12', and others)"));
}

TEST_F(LineLimitsTest, NobodyInParticularIsAPeer) {
    EXPECT_EQ(written(kind, "", 5), 3);
    EXPECT_THAT(summaries(now_ + minute), ElementsAre(" did it (2 more like this)"));
}

TEST_F(LineLimitsTest, WhatComesRarelyIsWrittenOnceAnHourAndPeer) {
    EXPECT_EQ(rarely_written(kind, "10.0.0.1", 100), 1);
    EXPECT_EQ(rarely_written(kind, "10.0.0.2", 100), 1);
    EXPECT_EQ(rarely_written(other_kind, "10.0.0.1", 100), 1);
    EXPECT_THAT(summaries(now_ + minute), IsEmpty()) << "nobody counts the others";
    now_ += std::chrono::minutes{59};
    EXPECT_EQ(rarely_written(kind, "10.0.0.1", 100), 0);
    now_ += std::chrono::minutes{1};
    EXPECT_EQ(rarely_written(kind, "10.0.0.1", 100), 1);
}

TEST_F(LineLimitsTest, ManyPeersTogetherHaveAFewRareLinesAMinute) {
    int count = 0;
    for (int i = 0; i < 50; ++i) count += rarely_written(kind, std::to_string(i).c_str(), 1);
    EXPECT_EQ(count, 7);
    EXPECT_THAT(summaries(now_ + minute),
                ElementsAre("7 did it (43 more like this from various hosts)"));
}

TEST_F(LineLimitsTest, OnlySoManyRareLinesAreRemembered) {
    for (int i = 0; i < 1000; ++i) {
        EXPECT_EQ(rarely_written(kind, std::to_string(i).c_str(), 1), 1);
        now_ += minute;
        static_cast<void>(summaries(now_));
    }
    EXPECT_EQ(rarely_written(kind, "999", 1), 0);
    EXPECT_EQ(rarely_written(kind, "900", 1), 1) << "forgotten before its hour was over";
}

TEST_F(LineLimitsTest, OnePeerUsesUpNobodyElsesLines) {
    written(kind, "10.0.0.1", 1000);
    EXPECT_EQ(written(kind, "10.0.0.2", 1000), 3);
}

}  // namespace
}  // namespace berth::server
