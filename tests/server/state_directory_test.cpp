// Where the key of handles is kept, and what happens when it can't be.
#include "server/state_directory.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include <sys/stat.h>
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

TEST_F(StateDirectoryTest, IsMadeForItsOwnerWhateverTheUmask) {
    const auto before = ::umask(0);
    { const StateDirectory made{base / "deep" / "state"}; }
    ::umask(before);
    const auto mode = [&](const char* name) {
        struct stat found {};
        EXPECT_EQ(::stat((base / name).c_str(), &found), 0);
        return found.st_mode & 07777U;
    };
    EXPECT_EQ(mode("deep"), 0755U);
    EXPECT_EQ(mode("deep/state"), 0700U);
    EXPECT_EQ(mode("deep/state/lock"), 0600U);
}

TEST_F(StateDirectoryTest, KeepsTheModeThatItHas) {
    for (const mode_t mode : {01777U, 0777U, 0755U, 0700U}) {
        ASSERT_EQ(::chmod(base.c_str(), mode), 0);
        EXPECT_TRUE(StateDirectory{base}.is_kept());
        struct stat found {};
        ASSERT_EQ(::stat(base.c_str(), &found), 0);
        EXPECT_EQ(found.st_mode & 07777U, mode);
    }
}

TEST_F(StateDirectoryTest, WhatItHasNotMadeIsLeftAlone) {
    const auto outside = base / "outside";
    std::ofstream{outside} << "precious";
    for (const auto* name : {"handle.key", "lock", "locks", "mounts", "watches", "names"}) {
        const auto path = base / name;
        std::filesystem::create_symlink(outside, path);
        EXPECT_THROW(StateDirectory{base}, UsageError) << name;
        std::filesystem::remove(path);
        ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
        EXPECT_THROW(StateDirectory{base}, UsageError) << name;
        std::filesystem::remove(path);
    }
    std::ofstream{base / "locks"} << "state 1\n";
    ASSERT_EQ(::chown((base / "locks").c_str(), 1234, 1234), 0);
    EXPECT_THROW(StateDirectory{base}, UsageError);
    ASSERT_EQ(::chown(base.c_str(), 1234, 1234), 0);
    EXPECT_TRUE(StateDirectory{base}.is_kept()) << "all of it is that user's";
}

TEST_F(StateDirectoryTest, WhatIsNoKeyIsNotOverwritten) {
    std::ofstream{base / "handle.key"} << "precious";
    EXPECT_THROW(static_cast<void>(StateDirectory{base}.handle_key()), UsageError);
    EXPECT_EQ(std::filesystem::file_size(base / "handle.key"), 8U);
}

}  // namespace
}  // namespace berth::server
