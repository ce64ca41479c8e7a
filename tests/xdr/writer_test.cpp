#include "xdr/writer.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/allocations.hpp"
#include "tests/support/bytes.hpp"

namespace berth::xdr {
namespace {

using test::bytes_of_hex;
using test::hex_of;

std::vector<std::byte> payload(std::size_t size, unsigned char first = 1) {
    std::vector<std::byte> bytes(size);
    for (auto& byte : bytes) byte = std::byte{first++};
    return bytes;
}

std::vector<std::span<const std::byte>> segments_of(const Writer& writer) {
    std::vector<std::span<const std::byte>> segments;
    writer.segments([&](std::span<const std::byte> segment) { segments.push_back(segment); });
    return segments;
}

TEST(Writer, IsEmptyAtFirst) {
    const Writer writer;
    EXPECT_EQ(writer.size(), 0U);
    EXPECT_TRUE(writer.owns_all());
    EXPECT_TRUE(writer.flat().empty());
    EXPECT_TRUE(segments_of(writer).empty());
}

TEST(Writer, WordsAreBigEndian) {
    Writer writer;
    writer.u32(0x01020304);
    writer.u64(0x05060708090A0B0C);
    EXPECT_EQ(hex_of(writer.flat()), "0102030405060708090a0b0c");
}

TEST(Writer, FixedIsPadded) {
    Writer writer;
    for (std::size_t size = 0; size <= 5; ++size) writer.fixed(payload(size, 0xA1));
    EXPECT_EQ(hex_of(writer.flat()), hex_of(bytes_of_hex("a1000000"
                                                         "a1a20000"
                                                         "a1a2a300"
                                                         "a1a2a3a4"
                                                         "a1a2a3a4 a5000000")));
}

// The buffer is used again, with what it held.
TEST(Writer, PaddingIsZeroInAUsedBuffer) {
    Writer writer;
    for (int i = 0; i < 8; ++i) writer.u32(0xFFFFFFFF);
    writer.clear();
    writer.fixed(payload(1));
    const auto large = payload(Writer::reference_bytes_min + 3);
    writer.reference_or_copy(large);
    const auto flat = writer.flat();
    EXPECT_EQ(hex_of(std::span{flat}.first(4)), "01000000");
    EXPECT_EQ(flat.back(), std::byte{0});
}

TEST(Writer, CopiesWhatIsSmall) {
    auto small = payload(Writer::reference_bytes_min - 1);
    const auto copy = small;
    Writer writer;
    writer.reference_or_copy(small);
    EXPECT_TRUE(writer.owns_all());
    std::ranges::fill(small, std::byte{0});
    auto expected = copy;
    expected.push_back(std::byte{0});
    EXPECT_EQ(writer.flat(), expected);
}

TEST(Writer, RefersToWhatIsLarge) {
    for (std::size_t more = 0; more < 4; ++more) {
        const auto large = payload(Writer::reference_bytes_min + more);
        Writer writer;
        writer.u32(7);
        writer.reference_or_copy(large);
        writer.u32(8);
        EXPECT_FALSE(writer.owns_all());
        const auto segments = segments_of(writer);
        ASSERT_EQ(segments.size(), 3U);
        EXPECT_EQ(hex_of(segments[0]), "00000007");
        EXPECT_EQ(segments[1].data(), large.data());
        EXPECT_EQ(segments[1].size(), large.size());
        EXPECT_EQ(hex_of(segments[2]), std::string(2 * padding(more), '0') + "00000008");
        EXPECT_EQ(writer.size(), 8 + large.size() + padding(more));
        EXPECT_EQ(writer.flat().size(), writer.size());
    }
}

TEST(Writer, CopiesNoneOfALargePayload) {
    const auto large = payload(1U << 20);
    Writer writer;
    test::forget_allocations();
    writer.u32(static_cast<std::uint32_t>(large.size()));
    writer.reference_or_copy(large);
    EXPECT_LT(test::allocations().bytes, 4096U);
    EXPECT_EQ(writer.size(), large.size() + 4);
}

TEST(Writer, ReferencesKeepTheirPlaces) {
    const auto first = payload(1024, 1);
    const auto second = payload(2048, 2);
    const auto third = payload(1025, 3);
    Writer writer;
    writer.reference_or_copy(first);
    writer.reference_or_copy(second);
    writer.u32(5);
    writer.reference_or_copy(third);
    const auto segments = segments_of(writer);
    ASSERT_EQ(segments.size(), 5U);
    EXPECT_EQ(segments[0].data(), first.data());
    EXPECT_EQ(segments[1].data(), second.data());
    EXPECT_EQ(hex_of(segments[2]), "00000005");
    EXPECT_EQ(segments[3].data(), third.data());
    EXPECT_EQ(hex_of(segments[4]), "000000");

    auto expected = first;
    expected.insert(expected.end(), second.begin(), second.end());
    for (const auto byte : {0, 0, 0, 5}) expected.push_back(static_cast<std::byte>(byte));
    expected.insert(expected.end(), third.begin(), third.end());
    expected.resize(expected.size() + 3);
    EXPECT_EQ(writer.flat(), expected);
}

// Before anything has been written there is not even a buffer.
TEST(Writer, EmptyPayloadsAtTheStart) {
    Writer writer;
    writer.fixed({});
    writer.reference_or_copy({});
    EXPECT_EQ(writer.size(), 0U);
    EXPECT_TRUE(writer.owns_all());
    EXPECT_TRUE(segments_of(writer).empty());
}

TEST(Writer, KeepsWhatItHasWhileItGrows) {
    Writer writer;
    const auto large = payload(1024);
    for (std::uint32_t i = 0; i < 100'000; ++i) {
        writer.u32(i);
        if (i % 10'000 == 0) writer.reference_or_copy(large);
    }
    const auto flat = writer.flat();
    ASSERT_EQ(flat.size(), 400'000 + 10 * large.size());
    Reader in{flat};
    for (std::uint32_t i = 0; i < 100'000; ++i) {
        ASSERT_EQ(in.u32(), i);
        if (i % 10'000 == 0) {
            ASSERT_TRUE(std::ranges::equal(in.fixed(large.size()), large));
        }
    }
}

// One piece larger than twice the buffer.
TEST(Writer, GrowsToWhatIsNeededAtOnce) {
    const auto bytes = payload(10'000);
    Writer writer;
    writer.u32(1);
    writer.fixed(bytes);
    const auto flat = writer.flat();
    ASSERT_EQ(flat.size(), 10'004U);
    EXPECT_TRUE(std::ranges::equal(std::span{flat}.subspan(4), bytes));
}

TEST(Writer, ClearForgetsWhatIsReferenced) {
    const auto large = payload(1026);
    Writer writer;
    writer.u32(1);
    writer.reference_or_copy(large);
    writer.clear();
    EXPECT_EQ(writer.size(), 0U);
    EXPECT_TRUE(writer.owns_all());
}

TEST(Writer, ClearKeepsTheBuffer) {
    Writer writer;
    for (int i = 0; i < 10'000; ++i) writer.u32(1);
    writer.clear();
    EXPECT_EQ(writer.size(), 0U);
    test::forget_allocations();
    for (int i = 0; i < 10'000; ++i) writer.u32(2);
    EXPECT_EQ(test::allocations().count, 0U);
    EXPECT_EQ(writer.size(), 40'000U);
}

TEST(Writer, ShrinkGivesALargeBufferBack) {
    const auto allocations_of_40000_bytes = [](Writer& writer) {
        test::forget_allocations();
        for (int i = 0; i < 10'000; ++i) writer.u32(1);
        return test::allocations().count;
    };
    Writer writer;
    allocations_of_40000_bytes(writer);
    writer.shrink(0);  // in use: it stays
    EXPECT_EQ(writer.flat().size(), 40'000U);
    writer.clear();
    writer.shrink(1U << 20);  // small enough: it stays
    EXPECT_EQ(allocations_of_40000_bytes(writer), 0U);
    writer.clear();
    writer.shrink(16384);
    EXPECT_GT(allocations_of_40000_bytes(writer), 0U);
    EXPECT_EQ(writer.flat().size(), 40'000U);
}

TEST(Counter, CountsWhatAWriterWrites) {
    const auto write = [](auto& sink, const std::vector<std::byte>& bytes) {
        sink.u32(1);
        sink.u64(2);
        sink.fixed(bytes);
        sink.reference_or_copy(bytes);
    };
    for (const std::size_t size : {0U, 1U, 2U, 3U, 4U, 5U, 1023U, 1024U, 1025U, 4096U}) {
        const auto bytes = payload(size);
        Counter counter;
        Writer writer;
        write(counter, bytes);
        write(writer, bytes);
        EXPECT_EQ(counter.size(), writer.size()) << size;
        EXPECT_EQ(writer.flat().size(), writer.size()) << size;
    }
}

}  // namespace
}  // namespace berth::xdr
