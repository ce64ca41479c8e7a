#include "nfs/vfs/memory/contents.hpp"

#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/nfs/vfs/bytes.hpp"

namespace berth::vfs::memory {
namespace {

using test::as_bytes;
using test::as_text;

constexpr std::uint64_t block_size = Contents::block_bytes;

class FileContents : public ::testing::Test {
protected:
    std::string read(std::uint64_t offset, std::size_t bytes) {
        // What is not read into must not pass for holes.
        std::vector<std::byte> into(bytes, std::byte{'!'});
        into.resize(contents.read(offset, into));
        return as_text(into);
    }
    std::size_t write(std::uint64_t offset, std::string_view text) {
        return contents.write(offset, as_bytes(text), budget);
    }

    Capacity budget{1000 * block_size};
    Contents contents;
};

TEST_F(FileContents, HolesReadAsZerosAndCostNothing) {
    EXPECT_EQ(write(std::uint64_t{1} << 62, "far"), 3U);
    EXPECT_EQ(contents.size(), (std::uint64_t{1} << 62) + 3);
    EXPECT_EQ(contents.used(), block_size);
    EXPECT_EQ(budget.left(), 999 * block_size);
    EXPECT_EQ(read(0, 3), std::string(3, '\0'));
    EXPECT_EQ(read((std::uint64_t{1} << 62) - 2, 10), std::string("\0\0far", 5));
    EXPECT_EQ(read(contents.size(), 1), "");
    EXPECT_EQ(read(~std::uint64_t{0}, 1), "");
}

TEST_F(FileContents, CutOffBytesDoNotComeBack) {
    write(0, std::string(2 * block_size + 10, 'x'));
    contents.resize(block_size + 5, budget);
    EXPECT_EQ(contents.used(), 2 * block_size);
    EXPECT_EQ(budget.left(), 998 * block_size);
    contents.resize(3 * block_size, budget);
    EXPECT_EQ(read(block_size + 3, 5), std::string("xx\0\0\0", 5));
    EXPECT_EQ(read(2 * block_size, 3), std::string(3, '\0'));
    contents.resize(0, budget);
    EXPECT_EQ(contents.used(), 0U);
    EXPECT_EQ(budget.left(), 1000 * block_size);
}

TEST_F(FileContents, WritesWhatTheBudgetAllows) {
    Capacity two{2 * block_size};
    const std::string text(3 * block_size, 'x');
    EXPECT_EQ(contents.write(100, as_bytes(text), two), 2 * block_size - 100);
    EXPECT_EQ(contents.size(), 2 * block_size);
    EXPECT_EQ(contents.write(2 * block_size, as_bytes("y"), two), 0U);
    EXPECT_EQ(contents.size(), 2 * block_size) << "a write of nothing does not make it longer";
    EXPECT_EQ(contents.write(0, as_bytes("y"), two), 1U) << "the block is there already";
}

// Against the simplest thing that can hold bytes.
TEST_F(FileContents, BehavesLikeAString) {
    std::mt19937_64 random{1};
    std::string model;
    const auto below = [&](std::uint64_t end) { return static_cast<std::size_t>(random() % end); };
    for (int step = 0; step < 5000; ++step) {
        const auto offset = below(5 * block_size);
        const auto bytes = below(2) == 0 ? below(20) : below(3 * block_size);
        switch (below(4)) {
        case 0: {
            const std::string text(bytes, static_cast<char>('a' + below(26)));
            ASSERT_EQ(write(offset, text), bytes);
            if (bytes > 0 && model.size() < offset + bytes) model.resize(offset + bytes);
            model.replace(offset > model.size() ? model.size() : offset, bytes, text);
            break;
        }
        case 1:
            contents.resize(offset, budget);
            model.resize(offset);
            break;
        default:
            const auto expected = offset < model.size() ? model.substr(offset, bytes) : "";
            ASSERT_EQ(read(offset, bytes), expected) << step;
        }
        ASSERT_EQ(contents.size(), model.size());
        ASSERT_EQ(budget.total() - budget.left(), contents.used());
    }
}

}  // namespace
}  // namespace berth::vfs::memory
