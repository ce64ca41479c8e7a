// The server keeps no descriptor of a deleted file for longer than a second.
#include "server/sweeper.hpp"

#include <array>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include <gtest/gtest.h>

#include "nfs/vfs/posix.hpp"
#include "tests/support/bytes.hpp"
#include "tests/support/gate.hpp"
#include "tests/support/temporary_directory.hpp"

namespace berth::server {
namespace {

using Clock = std::chrono::steady_clock;

/// How many descriptors of this process are of deleted files below the folder.
std::size_t deleted_and_open(const std::filesystem::path& folder) {
    std::size_t count = 0;
    for (const auto& descriptor : std::filesystem::directory_iterator{"/proc/self/fd"}) {
        std::error_code gone;  // the descriptor with which this is read
        const auto target = std::filesystem::read_symlink(descriptor, gone).string();
        if (target.starts_with(folder.string()) && target.ends_with(" (deleted)")) ++count;
    }
    return count;
}

class Sweeping : public ::testing::Test {
protected:
    ~Sweeping() override { EXPECT_TRUE(sweeper.stop(test::patience)); }

    vfs::NodePtr lookup(std::string_view name) {
        return (*files->root())->lookup({}, name).value();
    }

    void make_all() {
        for (const auto* name : {"read", "written", "known", "renamed over"})
            std::ofstream{directory.path() / name} << "text";
        std::filesystem::create_directory(directory.path() / "directory");
    }
    /// Uses each in its way, so that descriptors are kept; nothing is pinned afterwards.
    void use_all() {
        std::array<std::byte, 4> bytes{};
        EXPECT_TRUE(lookup("read")->read({}, 0, bytes));
        EXPECT_TRUE(lookup("written")->write({}, 0, test::bytes_of("more")));
        EXPECT_TRUE(lookup("known")->attributes(vfs::Wait::yes));
        EXPECT_TRUE(lookup("renamed over")->read({}, 0, bytes));
        EXPECT_TRUE(lookup("directory")->list({}, 0, [](const auto&) { return true; }));
    }
    void delete_all() {
        std::filesystem::remove(directory.path() / "read");
        std::filesystem::remove(directory.path() / "written");
        std::filesystem::remove(directory.path() / "directory");
        std::ofstream{directory.path() / "new"} << "new";
        std::filesystem::rename(directory.path() / "new", directory.path() / "renamed over");
        std::filesystem::remove(directory.path() / "known");
    }

    test::TemporaryDirectory directory;
    std::shared_ptr<vfs::posix::FileSystem> files =
        vfs::posix::open(directory.path().string()).value();
    vfs::Exports exports{{vfs::make_export("/swept", files)}};
    Sweeper sweeper{exports};
};

TEST_F(Sweeping, LetsGoOfDeletedFilesWithinASecond) {
    // More than once: whenever in its second the sweeper is when they are deleted.
    for (int turn = 0; turn < 3; ++turn) {
        SCOPED_TRACE(turn);
        make_all();
        use_all();
        delete_all();
        const auto since = Clock::now();
        EXPECT_GT(deleted_and_open(directory.path()), 0U);
        while (deleted_and_open(directory.path()) > 0 && Clock::now() < since + test::patience)
            std::this_thread::yield();
        // And a second for a slow machine.
        EXPECT_LE(Clock::now() - since, std::chrono::seconds{2});
    }
}

}  // namespace
}  // namespace berth::server
