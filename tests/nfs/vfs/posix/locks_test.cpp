// Locks of the server's owners and locks of local processes: they meet on the file.
#include <array>
#include <cerrno>
#include <csignal>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "nfs/vfs/descriptor.hpp"
#include "tests/media/exported_directory.hpp"

namespace berth::vfs::posix {
namespace {

using LocksOfLocalProcesses = ExportedDirectory;

constexpr LockedRange exclusive(std::uint64_t first, std::uint64_t last) {
    return {{first, last}, LockKind::exclusive};
}

/// As a local program locks: fcntl() of a process. Its end unlocks.
class LocalLock {
public:
    explicit LocalLock(const std::string& path) : file_(::open(path.c_str(), O_RDWR | O_CLOEXEC)) {}
    bool set(short type, off_t first, off_t length) {
        struct flock lock {};
        lock.l_type = type;
        lock.l_start = first;
        lock.l_len = length;
        return ::fcntl(file_.number(), F_SETLK, &lock) == 0;
    }

private:
    Descriptor file_;
};

TEST_F(LocksOfLocalProcesses, AreInTheWayAndAreShownWithTheirProcess) {
    auto node = create(alice, "f");
    auto locks = node->open_locks(alice).value();
    LocalLock local_lock{local / "f"};
    ASSERT_TRUE(local_lock.set(F_WRLCK, 100, 10));
    EXPECT_FALSE(locks->lock(exclusive(0, 100)).value());
    EXPECT_TRUE(locks->lock(exclusive(0, 99)).value());
    const auto obstacle = locks->obstacle_to(exclusive(0, 1000)).value();
    ASSERT_TRUE(obstacle);
    EXPECT_EQ(obstacle->held, exclusive(100, 109));
    EXPECT_EQ(obstacle->process, ::getpid());
    ASSERT_TRUE(local_lock.set(F_UNLCK, 0, 0));
    EXPECT_TRUE(locks->lock(exclusive(0, ByteRange::byte_max)).value());
}

TEST_F(LocksOfLocalProcesses, AreKeptOutByThose) {
    auto node = create(alice, "f");
    LocalLock local_lock{local / "f"};
    {
        auto locks = node->open_locks(alice).value();
        ASSERT_TRUE(locks->lock(exclusive(50, ByteRange::byte_max)).value());
        EXPECT_FALSE(local_lock.set(F_RDLCK, 0, 0));
        EXPECT_TRUE(local_lock.set(F_WRLCK, 0, 50));
        ASSERT_TRUE(locks->unlock({50, 59}));
        EXPECT_TRUE(local_lock.set(F_WRLCK, 0, 60));
        EXPECT_FALSE(local_lock.set(F_WRLCK, 0, 61));
    }
    EXPECT_TRUE(local_lock.set(F_WRLCK, 0, 0));
}

TEST_F(LocksOfLocalProcesses, AreOneOpenFilePerOwnerClosedWithIt) {
    auto node = create(alice, "f");
    const auto before = open_descriptors();
    {
        auto one = node->open_locks(alice).value();
        auto other = node->open_locks(alice).value();
        EXPECT_EQ(open_descriptors(), before + 2);
    }
    EXPECT_EQ(open_descriptors(), before);
}

TEST_F(LocksOfLocalProcesses, OnAFileOpenForReadingOnlyCanOnlyBeShared) {
    write_local(local / "program", read_local("/bin/sleep"));
    ASSERT_EQ(::chmod((local / "program").c_str(), 0755), 0);
    auto node = lookup("program");
    // It closes with the execution: from then on the program can't be opened for writing.
    std::array<int, 2> executed{};
    ASSERT_EQ(::pipe2(executed.data(), O_CLOEXEC), 0);
    const auto child = ::fork();
    if (child == 0) {
        ::execl((local / "program").c_str(), "program", "1000", nullptr);
        ::_exit(1);
    }
    ::close(executed[1]);
    char nothing = 0;
    ASSERT_EQ(::read(executed[0], &nothing, 1), 0);
    ::close(executed[0]);
    ASSERT_EQ(::waitpid(child, nullptr, WNOHANG), 0) << "it does not run";
    auto locks = node->open_locks(root_caller).value();
    EXPECT_TRUE(locks->lock({{0, 9}, LockKind::shared}).value());
    EXPECT_EQ(error_of(locks->lock(exclusive(0, 9))), std::errc::read_only_file_system);
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
}

TEST_F(LocksOfLocalProcesses, OfAnOwnerWithoutPermissionByTheMode) {
    auto node = create(alice, "f", 0000);
    auto locks = node->open_locks(alice).value();
    EXPECT_TRUE(locks->lock(exclusive(0, 9)).value());
}

}  // namespace
}  // namespace berth::vfs::posix
