#include "rpc/arena.hpp"

#include <cstdint>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "rpc/buffer.hpp"
#include "tests/support/allocations.hpp"

namespace berth::rpc {
namespace {

TEST(Arena, GivesAlignedBytesThatDoNotOverlap) {
    Arena arena;
    std::vector<std::span<std::byte>> taken;
    for (const std::size_t size : {0U, 1U, 15U, 16U, 17U, 500U, 1500U, 3000U, 1U << 20, 1U}) {
        const auto bytes = arena.bytes(size);
        ASSERT_EQ(bytes.size(), size);
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(bytes.data()) % alignof(std::max_align_t), 0U);
        if (size > 0) std::memset(bytes.data(), static_cast<int>(taken.size()), size);
        taken.push_back(bytes);
    }
    for (std::size_t i = 0; i < taken.size(); ++i)
        for (const auto byte : taken[i]) ASSERT_EQ(byte, static_cast<std::byte>(i));
}

TEST(Arena, CopiesTexts) {
    Arena arena;
    std::string text = "a text";
    const auto copy = arena.copy(text);
    text = "another";
    EXPECT_EQ(copy, "a text");
    EXPECT_EQ(arena.copy(""), "");
}

TEST(Arena, WhatIsResetIsUsedAgain) {
    BlockPool pool{std::size_t{8} << 20};
    Arena arena{&pool};
    const auto use = [&] {
        arena.bytes(100);
        arena.bytes(1900);
        arena.bytes(100'000);
        arena.bytes(std::size_t{1} << 20);
        arena.reset();
    };
    use();
    test::forget_allocations();
    for (int i = 0; i < 100; ++i) use();
    EXPECT_EQ(test::allocations().count, 0U);
}

TEST(Arena, SmallThingsShareBlocks) {
    constexpr std::size_t size = 40;
    constexpr std::size_t many = 10'000;
    Arena arena;
    test::forget_allocations();
    for (std::size_t n = 0; n < many; ++n) {
        arena.bytes(size);
        if (n % 1000 == 0) arena.bytes(std::size_t{1} << 17);
    }
    EXPECT_LT(test::allocations().count, 100U);
}

TEST(BlockPool, GivesAtLeastWhatIsAsked) {
    BlockPool pool{std::size_t{1} << 20};
    for (const std::size_t size :
         {std::size_t{0}, std::size_t{1}, std::size_t{16384}, std::size_t{16385},
          std::size_t{1} << 20, (std::size_t{1} << 21) + 1, std::size_t{5} << 20}) {
        for (int i = 0; i < 3; ++i) {
            auto block = pool.take(size);
            ASSERT_GE(block.size, size);
            if (size > 0) std::memset(block.bytes.get(), 1, size);
            pool.give(std::move(block));
        }
    }
}

TEST(BlockPool, KeepsNoMoreThanItMay) {
    constexpr std::size_t wanted = std::size_t{64} << 10;
    const auto block = BlockPool{0}.take(wanted).size;  // with room for headers
    BlockPool pool{4 * block};
    std::vector<BlockPool::Block> blocks;
    for (int i = 0; i < 10; ++i) blocks.push_back(pool.take(wanted));
    for (auto& taken : blocks) pool.give(std::move(taken));
    blocks.clear();
    blocks.reserve(10);
    test::forget_allocations();
    for (int i = 0; i < 10; ++i) blocks.push_back(pool.take(wanted));
    EXPECT_EQ(test::allocations().bytes, 6 * block);
}

TEST(BlockPool, IsSharedByThreads) {
    BlockPool pool{std::size_t{1} << 20};
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([&pool, i] {
            for (std::size_t step = 0; step < 2000; ++step) {
                auto block = pool.take((step % 5 + 1) * 20'000);
                block.bytes[step] = static_cast<std::byte>(i);
                pool.give(std::move(block));
            }
        });
}

TEST(Buffer, IsUniqueAgainWhenTheOthersLetGo) {
    BlockPool pool{std::size_t{1} << 20};
    auto buffer = Buffer::make(pool, 1000);
    EXPECT_TRUE(buffer->is_unique());
    {
        auto other = buffer;
        EXPECT_FALSE(buffer->is_unique());
        std::jthread{[other = std::move(other)] { other->bytes()[0] = std::byte{1}; }}.join();
    }
    EXPECT_TRUE(buffer->is_unique());
    EXPECT_EQ(buffer->bytes()[0], std::byte{1});
}

}  // namespace
}  // namespace berth::rpc
