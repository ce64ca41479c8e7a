// Where the key of handles is kept, and what happens when it can't be.
#include "server/state_directory.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include <unistd.h>

#include <gtest/gtest.h>

#include "server/options.hpp"

namespace berth::server {
namespace {

class StateDirectoryTest : public testing::Test {
protected:
    std::filesystem::path base =
        std::filesystem::temp_directory_path() / ("berth-state-" + std::to_string(::getpid()));

    void SetUp() override { std::filesystem::create_directory(base); }
    void TearDown() override { std::filesystem::remove_all(base); }

    static bool is_same(const vfs::HandleKey& a, const vfs::HandleKey& b) {
        return std::ranges::equal(a.bytes(), b.bytes());
    }
};

TEST_F(StateDirectoryTest, KeepsTheKey) {
    const auto path = base / "deep" / "state";
    const auto key = StateDirectory{path}.handle_key();
    EXPECT_TRUE(is_same(key, StateDirectory{path}.handle_key()));
    const auto mode = std::filesystem::status(path / "handle.key").permissions();
    EXPECT_EQ(mode, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST_F(StateDirectoryTest, BelongsToOneServerAtATime) {
    {
        const StateDirectory first{base};
        EXPECT_THROW(StateDirectory{base}, UsageError);
    }
    EXPECT_TRUE(StateDirectory{base}.is_kept());
}

TEST_F(StateDirectoryTest, WithoutAPlaceTheKeyIsNewEachTime) {
    const auto file = base / "file";
    std::ofstream{file} << "in the way";
    const StateDirectory state{file / "state"};
    EXPECT_FALSE(state.is_kept());
    EXPECT_FALSE(is_same(state.handle_key(), state.handle_key()));
}

TEST_F(StateDirectoryTest, WhatIsNoKeyIsNotOverwritten) {
    std::ofstream{base / "handle.key"} << "precious";
    EXPECT_THROW(static_cast<void>(StateDirectory{base}.handle_key()), UsageError);
    EXPECT_EQ(std::filesystem::file_size(base / "handle.key"), 8U);
}

}  // namespace
}  // namespace berth::server
