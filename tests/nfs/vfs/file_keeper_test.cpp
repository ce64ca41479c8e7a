// The server's own files: written by the server, whoever asks for it.
#include "nfs/vfs/file_keeper.hpp"

#include <atomic>
#include <fstream>
#include <iterator>
#include <sstream>
#include <thread>
#include <vector>

#include <sys/stat.h>
#include <unistd.h>

#include <gmock/gmock.h>

#include "nfs/vfs/posix/thread_identity.hpp"
#include "tests/support/temporary_directory.hpp"

namespace berth::vfs {
namespace {

class FileKeeperTest : public ::testing::Test {
protected:
    FileKeeper::Options options() {
        return {.file = folder / "kept",
                .contents = [this] { return text(); },
                .tell = [this](const std::error_code& failure) { told.push_back(failure); }};
    }
    std::string text() {
        const std::lock_guard held{lock};
        ++writings;
        return contents;
    }
    void change(const std::string& to) {
        const std::lock_guard held{lock};
        contents = to;
    }
    [[nodiscard]] std::string on_disk() const {
        std::ifstream in{folder / "kept"};
        return {std::istreambuf_iterator<char>{in}, {}};
    }

    berth::test::TemporaryDirectory directory;
    std::filesystem::path folder = directory.path();
    std::mutex lock;
    std::string contents = "first";
    int writings = 0;
    std::vector<std::error_code> told;
};

TEST_F(FileKeeperTest, WhatIsWaitedForIsOnDisk) {
    FileKeeper keeper{options()};
    EXPECT_FALSE(keeper.write_now());
    EXPECT_EQ(on_disk(), "first");
    change("second");
    const auto later = keeper.note_change();
    EXPECT_FALSE(keeper.wait_for(later));
    EXPECT_TRUE(keeper.is_kept(later));
    EXPECT_EQ(on_disk(), "second");
    EXPECT_TRUE(told.empty());
}

TEST_F(FileKeeperTest, WhatNobodyWaitsForIsWrittenAtTheEnd) {
    {
        FileKeeper keeper{options()};
        keeper.note_change();
    }
    EXPECT_EQ(on_disk(), "first");
}

TEST_F(FileKeeperTest, BelongsToTheServerWhoeverAsks) {
    ASSERT_EQ(::geteuid(), 0U);
    ::chmod(directory.path().c_str(), 0700);
    FileKeeper keeper{options()};
    {
        const auto acting =
            posix::Acting::as({.uid = 1000, .gid = 1000, .groups = {}}, posix::Abilities{});
        ASSERT_TRUE(acting);
        EXPECT_FALSE(posix::is_server_acting());
        EXPECT_FALSE(keeper.write_now());
    }
    EXPECT_TRUE(posix::is_server_acting());
    struct stat status {};
    ASSERT_EQ(::stat((folder / "kept").c_str(), &status), 0);
    EXPECT_EQ(status.st_uid, 0U);
    EXPECT_EQ(status.st_gid, 0U);
}

TEST_F(FileKeeperTest, AFailureIsReportedAndToldOnceAndItsEndToo) {
    folder = directory.path() / "missing";
    {
        FileKeeper keeper{options()};
        const auto lost = keeper.note_change();
        EXPECT_EQ(keeper.wait_for(lost), std::errc::no_such_file_or_directory);
        EXPECT_FALSE(keeper.is_kept(lost));
        EXPECT_EQ(keeper.write_now(), std::errc::no_such_file_or_directory);
        std::filesystem::create_directory(folder);
        EXPECT_FALSE(keeper.write_now());
        EXPECT_TRUE(keeper.is_kept(lost)) << "a later writing stands for earlier ones";
        EXPECT_FALSE(keeper.wait_for(lost));
    }
    const auto missing = std::make_error_code(std::errc::no_such_file_or_directory);
    EXPECT_THAT(told, testing::ElementsAre(missing, std::error_code{}));
}

TEST_F(FileKeeperTest, AFailureThatLastsIsToldAgain) {
    folder = directory.path() / "missing";
    auto often = options();
    often.between_news = std::chrono::milliseconds{0};
    {
        FileKeeper keeper{std::move(often)};
        for (int n = 0; n < 3; ++n) EXPECT_TRUE(keeper.write_now());
    }
    EXPECT_THAT(told, testing::SizeIs(3));
}

TEST_F(FileKeeperTest, ManyWhoWaitShareAWriting) {
    constexpr int threads = 8;
    constexpr int changes = 50;
    {
        FileKeeper keeper{options()};
        std::vector<std::thread> all;
        for (int n = 0; n < threads; ++n)
            all.emplace_back([&] {
                for (int m = 0; m < changes; ++m) EXPECT_FALSE(keeper.write_now());
            });
        for (auto& one : all) one.join();
    }
    EXPECT_LT(writings, threads * changes);
    EXPECT_EQ(on_disk(), "first");
}

}  // namespace
}  // namespace berth::vfs
