// The server keeps no descriptor of a deleted file for longer than a second.
#include "server/sweeper.hpp"

#include <array>
#include <chrono>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include <boost/filesystem/directory.hpp>
#include <boost/filesystem/operations.hpp>
#include <boost/filesystem/path.hpp>
#include <gtest/gtest.h>

#include "nfs/vfs/posix.hpp"
#include "tests/support/bytes.hpp"
#include "tests/support/gate.hpp"
#include "tests/support/temporary_directory.hpp"

namespace berth::server {
namespace {

using Clock = std::chrono::steady_clock;

/// How many descriptors of this process are of deleted files below the folder.
std::size_t deleted_and_open(const boost::filesystem::path& folder) {
    std::size_t count = 0;
    for (const auto& descriptor : boost::filesystem::directory_iterator{"/proc/self/fd"}) {
        boost::system::error_code gone;  // the descriptor with which this is read
        const auto target = boost::filesystem::read_symlink(descriptor, gone).string();
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
        boost::filesystem::create_directory(directory.path() / "directory");
    }
    /// Uses each in its way, so that descriptors are kept; nothing is pinned afterwards.
    void use_all() {
        std::array<std::byte, 4> bytes{};
        EXPECT_TRUE(lookup("read")->read({}, 0, bytes));
        EXPECT_TRUE(lookup("written")->write({}, 0, test::bytes_of("more")));
        EXPECT_TRUE(lookup("known")->attributes(vfs::Patience::ample));
        EXPECT_TRUE(lookup("renamed over")->read({}, 0, bytes));
        EXPECT_TRUE(lookup("directory")->list({}, 0, [](const auto&) { return true; }));
    }
    void delete_all() {
        boost::filesystem::remove(directory.path() / "read");
        boost::filesystem::remove(directory.path() / "written");
        boost::filesystem::remove(directory.path() / "directory");
        std::ofstream{directory.path() / "new"} << "new";
        boost::filesystem::rename(directory.path() / "new", directory.path() / "renamed over");
        boost::filesystem::remove(directory.path() / "known");
    }

    test::TemporaryDirectory directory;
    std::shared_ptr<vfs::posix::FileSystem> files =
        vfs::posix::open(directory.path().string()).value();
    exports::Exports exports{{exports::make_export("/swept", files)}};
    rpc::Budget budget{{}};
    Sweeper sweeper{exports, budget};
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

/// Sweeping it takes as long as a test says.
class Hanging final : public vfs::FileSystem {
public:
    explicit Hanging(test::Gate& gate) : gate_(gate) {}

    using vfs::FileSystem::find;
    using vfs::FileSystem::root;
    vfs::Result<vfs::NodePtr> root(vfs::Patience) override { return vfs::stale; }
    vfs::Result<vfs::NodePtr> find(const vfs::ObjectId&, const vfs::Way&, vfs::Patience) override {
        return vfs::stale;
    }
    vfs::Result<void> link(const vfs::Caller&, vfs::Node&, vfs::Node&, std::string_view) override {
        return vfs::stale;
    }
    vfs::Result<void> rename(const vfs::Caller&, vfs::Node&, std::string_view, vfs::Node&,
                             std::string_view) override {
        return vfs::stale;
    }
    [[nodiscard]] vfs::Limits limits() const override { return {}; }
    [[nodiscard]] std::uint64_t losses() const override { return 0; }
    void sweep() override { gate_.pass(); }

private:
    test::Gate& gate_;
};

TEST(SweepingBesideExports, ThatHangReachesTheOthers) {
    test::Gate hangs;
    test::Gate works;
    hangs.close();
    exports::Exports exports{{exports::make_export("/first", std::make_shared<Hanging>(hangs)),
                              exports::make_export("/second", std::make_shared<Hanging>(hangs)),
                              exports::make_export("/third", std::make_shared<Hanging>(works))}};
    rpc::Budget budget{{}};
    Sweeper sweeper{exports, budget};
    works.await_passed(2);
    EXPECT_EQ(hangs.held_back(), 2U) << "each once";
    EXPECT_FALSE(sweeper.stop(std::chrono::milliseconds{1}));
    hangs.open();
    EXPECT_TRUE(sweeper.stop(test::patience));
}

}  // namespace
}  // namespace berth::server
