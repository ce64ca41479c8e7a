#include "rpc/net/outbox.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/bytes.hpp"

namespace berth::rpc::net {
namespace {

using test::bytes_of_hex;
using test::hex_of;
using Bytes = std::vector<std::byte>;

ExchangePtr reply_of(std::span<const std::byte> bytes) {
    auto exchange = std::make_unique<Exchange>();
    exchange->reply.reference_or_copy(bytes);
    return exchange;
}

Bytes joined(std::span<const iovec> pieces) {
    Bytes all;
    for (const auto& piece : pieces) {
        const auto* from = static_cast<const std::byte*>(piece.iov_base);
        all.insert(all.end(), from, from + piece.iov_len);
    }
    return all;
}

TEST(Outbox, AReplyLeavesAsOneMarkedRecord) {
    Outbox outbox;
    EXPECT_TRUE(outbox.is_empty());
    outbox.push(reply_of(bytes_of_hex("01020304")));
    outbox.push(reply_of(bytes_of_hex("05060708 090a0b0c")));
    EXPECT_EQ(outbox.size(), 2U);
    EXPECT_EQ(outbox.bytes(), 20U);
    std::array<iovec, 16> pieces{};
    const auto count = outbox.gather(pieces);
    EXPECT_EQ(hex_of(joined(std::span{pieces}.first(count))), "80000004"
                                                              "01020304"
                                                              "80000008"
                                                              "05060708090a0b0c");
    int done = 0;
    outbox.sent(20, [&](ExchangePtr exchange) { done += exchange != nullptr ? 1 : 0; });
    EXPECT_EQ(done, 2);
    EXPECT_TRUE(outbox.is_empty());
    EXPECT_EQ(outbox.bytes(), 0U);
}

TEST(Outbox, AReplyIsDoneWhenItsLastByteHasLeft) {
    Outbox outbox;
    outbox.push(reply_of(bytes_of_hex("01020304")));
    int done = 0;
    const auto count = [&](ExchangePtr) { ++done; };
    for (int i = 0; i < 7; ++i) {
        outbox.sent(1, count);
        EXPECT_EQ(done, 0);
    }
    outbox.sent(1, count);
    EXPECT_EQ(done, 1);
}

TEST(Outbox, ClearHandsBackWhatHasNotLeft) {
    Outbox outbox;
    for (int i = 0; i < 3; ++i) outbox.push(reply_of(bytes_of_hex("01020304")));
    int done = 0;
    const auto count = [&](ExchangePtr exchange) { done += exchange != nullptr ? 1 : 0; };
    outbox.sent(10, count);
    EXPECT_EQ(done, 1);
    outbox.clear(count);
    EXPECT_EQ(done, 3);
    EXPECT_TRUE(outbox.is_empty());
    EXPECT_EQ(outbox.bytes(), 0U);
    // And it is as new.
    outbox.push(reply_of(bytes_of_hex("0a0b0c0d")));
    std::array<iovec, 4> pieces{};
    const auto pieces_count = outbox.gather(pieces);
    EXPECT_EQ(hex_of(joined(std::span{pieces}.first(pieces_count))), "80000004"
                                                                     "0a0b0c0d");
}

TEST(Outbox, SmallRepliesShareAPieceWithinTheRoomForCopies) {
    Outbox outbox;
    for (const auto* reply : {"0a", "0b", "0c", "0d"})
        outbox.push(reply_of(bytes_of_hex("000000" + std::string{reply})));
    outbox.sent(6, [](ExchangePtr) {});
    const std::string rest = "000a80000004"
                             "0000000b80000004"
                             "0000000c80000004"
                             "0000000d";
    std::array<iovec, 8> pieces{};
    Bytes copies(64);
    EXPECT_EQ(outbox.gather(pieces, copies), 1U);
    EXPECT_EQ(hex_of(joined(std::span{pieces}.first(1))), rest);
    copies.resize(12);  // for the first two
    const auto count = outbox.gather(pieces, copies);
    EXPECT_EQ(count, 1U + 2 * 2);
    EXPECT_EQ(hex_of(joined(std::span{pieces}.first(count))), rest);
}

TEST(Outbox, RandomPartialSendsLoseAndRepeatNothing) {
    const auto* const text = std::getenv("BERTH_SEED");
    const auto seed = text != nullptr ? std::strtoull(text, nullptr, 10) : 1;
    SCOPED_TRACE("BERTH_SEED=" + std::to_string(seed));
    std::mt19937_64 random{seed};
    const auto below = [&](std::size_t end) { return static_cast<std::size_t>(random() % end); };

    Outbox outbox;
    Bytes expected;
    Bytes sent;
    std::size_t pushed = 0;
    std::size_t done = 0;
    Bytes source(5000);
    for (std::size_t i = 0; i < source.size(); ++i) source[i] = static_cast<std::byte>(i % 251);
    const auto push = [&] {
        // Some below the size from which bytes are referenced, some above; all multiples of four.
        const auto bytes = std::span{source}.subspan(below(100), 4 * below(1000));
        xdr::Writer mark;
        mark.u32(0x80000000U | static_cast<std::uint32_t>(bytes.size()));
        const auto marked = mark.flat();
        expected.insert(expected.end(), marked.begin(), marked.end());
        expected.insert(expected.end(), bytes.begin(), bytes.end());
        outbox.push(reply_of(bytes));
        ++pushed;
    };
    const auto send = [&](std::size_t most) {
        std::vector<iovec> pieces(1 + below(12));
        Bytes copies(below(2) * below(3000));
        const auto all = joined(std::span{pieces}.first(outbox.gather(pieces, copies)));
        const auto count = std::min(all.size(), most);
        sent.insert(sent.end(), all.begin(), all.begin() + static_cast<std::ptrdiff_t>(count));
        outbox.sent(count, [&](ExchangePtr) { ++done; });
    };
    for (int i = 0; i < 20'000; ++i) {
        if (below(2) == 0) push();
        if (!outbox.is_empty()) send(below(6000));
        ASSERT_EQ(outbox.bytes(), expected.size() - sent.size());
        ASSERT_EQ(outbox.size(), pushed - done);
    }
    while (!outbox.is_empty()) send(6000);
    EXPECT_EQ(done, pushed);
    EXPECT_TRUE(sent == expected);
}

}  // namespace
}  // namespace berth::rpc::net
