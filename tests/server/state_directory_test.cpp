// Where the key of handles is kept, and what happens when it can't be.
#include "server/state_directory.hpp"

#include <algorithm>
#include <csignal>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/filesystem/operations.hpp>
#include <boost/filesystem/path.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ringbuffer_sink.h>
#include <spdlog/spdlog.h>

#include "server/options.hpp"
#include "tests/support/logged.hpp"

namespace berth::server {
namespace {

class StateDirectoryTest : public testing::Test {
protected:
    boost::filesystem::path base =
        boost::filesystem::temp_directory_path() / ("berth-state-" + std::to_string(::getpid()));

    void SetUp() override { boost::filesystem::create_directory(base); }
    void TearDown() override { boost::filesystem::remove_all(base); }

    static bool is_same(const exports::HandleKey& a, const exports::HandleKey& b) {
        return std::ranges::equal(a.bytes(), b.bytes());
    }
};

TEST_F(StateDirectoryTest, KeepsTheKey) {
    const auto path = base / "deep" / "state";
    const auto key = StateDirectory{path}.handle_key();
    EXPECT_TRUE(is_same(key, StateDirectory{path}.handle_key()));
    const auto mode = boost::filesystem::status(path / "handle.key").permissions();
    EXPECT_EQ(mode, boost::filesystem::perms::owner_read | boost::filesystem::perms::owner_write);
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
    const test::Logged logged;
    const StateDirectory state{file / "state"};
    EXPECT_FALSE(state.is_kept());
    EXPECT_FALSE(state.keeps_key());
    EXPECT_FALSE(is_same(state.handle_key(), state.handle_key()));
    EXPECT_THAT(logged.lines(), testing::ElementsAre(testing::AllOf(
                                    testing::StartsWith("warning: the state directory '"),
                                    testing::HasSubstr("after a restart clients must mount again"),
                                    testing::HasSubstr("showmount lists no earlier mounts"),
                                    testing::HasSubstr("Clients get no locks"),
                                    testing::HasSubstr("'berth locks' does not find"),
                                    testing::EndsWith("Use another one (--state)"))));
}

TEST_F(StateDirectoryTest, AKeyThatCantBeKeptIsSaidOnce) {
    const test::Logged logged;
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
    const rlimit nothing{.rlim_cur = 0, .rlim_max = before.rlim_max};
    auto* const handler = std::signal(SIGXFSZ, SIG_IGN);
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &nothing), 0);
    const StateDirectory state{base};
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
    std::signal(SIGXFSZ, handler);
    EXPECT_TRUE(state.is_kept());
    EXPECT_FALSE(state.keeps_key());
    static_cast<void>(state.handle_key());
    static_cast<void>(state.withheld());
    EXPECT_THAT(logged.lines(), testing::ElementsAre(testing::AllOf(
                                    testing::HasSubstr("handle.key can't be kept"),
                                    testing::HasSubstr("clients must mount again"))));
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
        boost::filesystem::create_symlink(outside, path);
        EXPECT_THROW(StateDirectory{base}, UsageError) << name;
        boost::filesystem::remove(path);
        ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
        EXPECT_THROW(StateDirectory{base}, UsageError) << name;
        boost::filesystem::remove(path);
    }
    std::ofstream{base / "locks"} << "state 1\n";
    ASSERT_EQ(::chown((base / "locks").c_str(), 1234, 1234), 0);
    EXPECT_THROW(StateDirectory{base}, UsageError);
    ASSERT_EQ(::chown(base.c_str(), 1234, 1234), 0);
    EXPECT_TRUE(StateDirectory{base}.is_kept()) << "all of it is that user's";
}

TEST_F(StateDirectoryTest, WarnsOfDirectoriesAboveThatOthersCanChange) {
    const auto path = base / "above" / "deep" / "state";
    const auto said = [&](const boost::filesystem::path& asked) {
        auto log = std::make_shared<spdlog::sinks::ringbuffer_sink_mt>(100);
        spdlog::default_logger()->sinks().push_back(log);
        { const StateDirectory state{asked}; }
        spdlog::default_logger()->sinks().pop_back();
        std::vector<std::string> lines;
        for (auto& line : log->last_formatted())
            if (line.find("above the state directory") != std::string::npos) lines.push_back(line);
        return lines;
    };
    EXPECT_THAT(said(path), testing::IsEmpty());
    ASSERT_EQ(::chmod((base / "above").c_str(), 0777), 0);
    EXPECT_THAT(said(path), testing::ElementsAre(testing::AllOf(
                                testing::HasSubstr("'" + (base / "above").string() + "'"),
                                testing::HasSubstr("mode 0777"))));
    ASSERT_EQ(::chmod((base / "above").c_str(), 01777), 0);
    EXPECT_THAT(said(path), testing::IsEmpty()) << "as in /tmp";
    ASSERT_EQ(::chown((base / "above" / "deep").c_str(), 1234, 0), 0);
    EXPECT_THAT(said(path), testing::ElementsAre(testing::AllOf(
                                testing::HasSubstr("'" + (base / "above" / "deep").string() + "'"),
                                testing::HasSubstr("uid 1234"))));
    boost::filesystem::create_directory(base / "theirs");
    ASSERT_EQ(::chown((base / "theirs").c_str(), 1235, 0), 0);
    boost::filesystem::create_directory_symlink(path, base / "theirs" / "link");
    EXPECT_THAT(said(base / "theirs" / "link"), testing::SizeIs(2))
        << "the way there, and what it leads to";
}

TEST_F(StateDirectoryTest, WhatIsNoKeyIsNotOverwritten) {
    std::ofstream{base / "handle.key"} << "precious";
    EXPECT_THROW(static_cast<void>(StateDirectory{base}.handle_key()), UsageError);
    EXPECT_EQ(boost::filesystem::file_size(base / "handle.key"), 8U);
}

}  // namespace
}  // namespace berth::server
