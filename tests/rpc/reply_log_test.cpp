#include "rpc/reply_log.hpp"

#include <gtest/gtest.h>

#include "tests/rpc/calls.hpp"

namespace berth::rpc {
namespace {

constexpr std::size_t chunk_bytes = 1024;

class ReplyLogTest : public ::testing::Test {
protected:
    const ReplyLog::Record& append(std::uint32_t xid, std::size_t size) {
        return log.append({.xid = xid}, ReplyLog::Clock::time_point{std::chrono::seconds{xid}},
                          Bytes(size, std::byte{static_cast<unsigned char>(xid)}));
    }
    static void expect_is(const ReplyLog::Record& record, std::uint32_t xid, std::size_t size) {
        EXPECT_EQ(record.call.xid, xid);
        EXPECT_EQ(record.answered_at.time_since_epoch(), std::chrono::seconds{xid});
        EXPECT_EQ(Bytes(record.reply().begin(), record.reply().end()),
                  Bytes(size, std::byte{static_cast<unsigned char>(xid)}));
    }

    ReplyLog log{chunk_bytes};
};

TEST_F(ReplyLogTest, TheOldestGoFirst) {
    for (std::uint32_t xid = 1; xid <= 100; ++xid) append(xid, xid);
    for (std::uint32_t xid = 1; xid <= 100; ++xid) {
        ASSERT_FALSE(log.is_empty());
        expect_is(log.oldest(), xid, xid);
        log.drop_oldest();
    }
    EXPECT_TRUE(log.is_empty());
    EXPECT_EQ(log.bytes(), 0U);
}

TEST_F(ReplyLogTest, ARecordStaysWhereItIs) {
    const auto& first = append(1, 33);
    for (std::uint32_t xid = 2; xid <= 1000; ++xid) append(xid, 100);
    expect_is(first, 1, 33);
    EXPECT_EQ(&log.oldest(), &first);
}

TEST_F(ReplyLogTest, MemoryFollowsWhatIsKept) {
    constexpr std::size_t size = 100;
    std::uint32_t newest = 0;
    while (newest < 10) append(++newest, size);
    const auto bytes = log.bytes();
    EXPECT_LE(bytes, 10 * ReplyLog::bytes_for(size) + chunk_bytes);
    for (int turn = 0; turn < 1000; ++turn) {
        append(++newest, size);
        log.drop_oldest();
        EXPECT_LE(log.bytes(), bytes + 2 * chunk_bytes);
    }
}

TEST_F(ReplyLogTest, AReplyLargerThanAChunkIsKeptToo) {
    append(1, 10);
    append(2, 10 * chunk_bytes);
    append(3, 10);
    EXPECT_GE(log.bytes(), 12 * chunk_bytes);
    log.drop_oldest();
    expect_is(log.oldest(), 2, 10 * chunk_bytes);
    log.drop_oldest();
    expect_is(log.oldest(), 3, 10);
    EXPECT_LE(log.bytes(), 2 * chunk_bytes) << "one is kept for the next";
}

TEST_F(ReplyLogTest, AReplyMayBeEmpty) {
    append(1, 0);
    expect_is(log.oldest(), 1, 0);
}

}  // namespace
}  // namespace berth::rpc
