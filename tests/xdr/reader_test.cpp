#include "xdr/reader.hpp"

#include <array>
#include <cstdint>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/allocations.hpp"
#include "tests/support/bytes.hpp"

namespace berth::xdr {
namespace {

using test::bytes_of_hex;
using test::ExactCopy;
using test::hex_of;

TEST(Reader, WordsAreBigEndian) {
    const auto bytes = bytes_of_hex("01020304 05060708090a0b0c");
    Reader in{bytes};
    EXPECT_EQ(in.u32(), 0x01020304U);
    EXPECT_EQ(in.u64(), 0x05060708090A0B0CU);
    EXPECT_TRUE(in.ok());
    EXPECT_TRUE(in.rest().empty());
}

TEST(Reader, NothingIsNoFailureUntilSomethingIsRead) {
    Reader in{{}};
    EXPECT_TRUE(in.ok());
    EXPECT_EQ(in.u32(), 0U);
    EXPECT_FALSE(in.ok());
}

TEST(Reader, AWordNeedsAllItsBytes) {
    const auto bytes = bytes_of_hex("0102030405060708");
    for (std::size_t size = 0; size < 4; ++size) {
        const ExactCopy copy{std::span{bytes}.first(size)};
        Reader in{copy.bytes()};
        EXPECT_EQ(in.u32(), 0U);
        EXPECT_FALSE(in.ok()) << size;
    }
    for (std::size_t size = 0; size < 8; ++size) {
        const ExactCopy copy{std::span{bytes}.first(size)};
        Reader in{copy.bytes()};
        EXPECT_EQ(in.u64(), 0U);
        EXPECT_FALSE(in.ok()) << size;
    }
}

// The bytes that a failed read did not take must not reach the reads after it.
TEST(Reader, FailsOnceAndStaysFailed) {
    const auto bytes = bytes_of_hex("01020304 05060708");
    Reader in{bytes};
    in.fixed(9);
    EXPECT_FALSE(in.ok());
    EXPECT_TRUE(in.rest().empty());
    EXPECT_EQ(in.u32(), 0U);
    EXPECT_EQ(in.u64(), 0U);
    EXPECT_TRUE(in.fixed(1).empty());
    EXPECT_TRUE(in.counted(8).empty());
    EXPECT_FALSE(in.ok());
    // Nor does a read of nothing make it good again.
    EXPECT_TRUE(in.fixed(0).empty());
    EXPECT_FALSE(in.ok());
}

TEST(Reader, FailIsForDecodersToo) {
    const auto bytes = bytes_of_hex("01020304");
    Reader in{bytes};
    in.fail();
    EXPECT_FALSE(in.ok());
    EXPECT_TRUE(in.rest().empty());
}

TEST(Reader, FixedTakesThePaddingToo) {
    constexpr std::array<std::size_t, 10> padded{0, 4, 4, 4, 4, 8, 8, 8, 8, 12};
    const auto bytes = bytes_of_hex("0102030405060708090a0b0c");
    for (std::size_t size = 0; size < padded.size(); ++size) {
        Reader in{bytes};
        EXPECT_EQ(hex_of(in.fixed(size)), hex_of(std::span{bytes}.first(size)));
        EXPECT_TRUE(in.ok());
        EXPECT_EQ(in.rest().size(), bytes.size() - padded[size]) << size;
    }
}

// The bytes are there and their padding is not.
TEST(Reader, MissingPaddingIsAFailure) {
    for (std::size_t size = 1; size < 10; ++size) {
        for (auto there = size; there % 4 != 0; ++there) {
            const ExactCopy copy{std::vector<std::byte>(there)};
            Reader in{copy.bytes()};
            EXPECT_TRUE(in.fixed(size).empty());
            EXPECT_FALSE(in.ok()) << size << " bytes, " << there << " there";
        }
    }
}

TEST(Reader, PaddingMayBeAnything) {
    const auto bytes = bytes_of_hex("00000001 41ffffff 0000002a");
    Reader in{bytes};
    EXPECT_EQ(hex_of(in.counted(1)), "41");
    EXPECT_EQ(in.u32(), 42U);
    EXPECT_TRUE(in.ok());
}

TEST(Reader, CountedKeepsToItsBound) {
    const auto bytes = bytes_of_hex("00000003 61626300");
    Reader at_bound{bytes};
    EXPECT_EQ(hex_of(at_bound.counted(3)), "616263");
    EXPECT_TRUE(at_bound.ok());
    Reader beyond{bytes};
    EXPECT_TRUE(beyond.counted(2).empty());
    EXPECT_FALSE(beyond.ok());
}

TEST(Reader, CountedOfNothing) {
    const auto bytes = bytes_of_hex("00000000 00000007");
    Reader in{bytes};
    EXPECT_TRUE(in.counted(0).empty());
    EXPECT_EQ(in.u32(), 7U);
    EXPECT_TRUE(in.ok());
}

// Lengths whose sums with a padding would wrap around.
TEST(Reader, NoLengthIsTooLongToBeRefused) {
    for (const auto* hex : {"00000005 00000000", "7fffffff 00000000", "80000000 00000000",
                            "fffffffc 00000000", "fffffffd 00000000", "ffffffff 00000000"}) {
        const auto bytes = bytes_of_hex(hex);
        Reader in{bytes};
        EXPECT_TRUE(in.counted(0xFFFFFFFF).empty());
        EXPECT_FALSE(in.ok()) << hex;
    }
    constexpr auto size_max = std::numeric_limits<std::size_t>::max();
    const auto bytes = bytes_of_hex("0000000000000000");
    for (const auto size : {size_max, size_max - 1, size_max - 2, size_max - 3, size_max / 2}) {
        Reader in{bytes};
        EXPECT_TRUE(in.fixed(size).empty());
        EXPECT_FALSE(in.ok()) << size;
    }
}

TEST(Reader, GivesViewsOfTheBytesItself) {
    const auto bytes = bytes_of_hex("00000004 61626364 00000001 65000000");
    test::forget_allocations();
    Reader in{bytes};
    const auto first = in.counted(4);
    const auto second = in.counted(4);
    EXPECT_EQ(test::allocations().count, 0U);
    EXPECT_EQ(first.data(), bytes.data() + 4);
    EXPECT_EQ(second.data(), bytes.data() + 12);
    EXPECT_EQ(second.size(), 1U);
}

TEST(Padding, FillsUnitsOfFour) {
    EXPECT_EQ(padding(0), 0U);
    EXPECT_EQ(padding(1), 3U);
    EXPECT_EQ(padding(2), 2U);
    EXPECT_EQ(padding(3), 1U);
    EXPECT_EQ(padding(4), 0U);
    EXPECT_EQ(padding(1025), 3U);
}

}  // namespace
}  // namespace berth::xdr
