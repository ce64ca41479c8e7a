// Finding a name by an inode number, while the directory changes.
#include "nfs/vfs/posix/directory_scans.hpp"

#include <string>
#include <vector>

#include <fcntl.h>

#include <boost/filesystem/operations.hpp>

#include "nfs/vfs/posix/system/calls.hpp"
#include "tests/media/exported_directory.hpp"

namespace berth::vfs::posix {
namespace {

class Scans : public ::testing::Test {
protected:
    static constexpr std::size_t enough = std::size_t{1} << 20;

    std::string path(std::string_view name) const { return local / name; }
    std::uint64_t inode_of(std::string_view name) const { return local_status(path(name)).st_ino; }
    /// As the first name found that leads to this inode.
    std::string name_of(DirectoryScans& scans, std::uint64_t inode) {
        std::string name;
        const auto found = scans.find(open_.number(), id_, inode, [&](const char* tried) {
            ++tries;
            auto opened = open_at(open_.number(), tried, O_PATH | O_NOFOLLOW);
            if (!opened) return Result<Descriptor>{stale};
            if (status(opened->number())->stx_ino != inode) return Result<Descriptor>{stale};
            name = tried;
            return opened;
        });
        if (!found && found.error() != stale) return "error";
        return name;
    }

    TemporaryDirectory local;
    Descriptor open_ = open_at(AT_FDCWD, local.path().c_str(), O_PATH | O_DIRECTORY).value();
    const ObjectId id_{std::as_bytes(std::span{"id", 2})};
    int tries = 0;
};

TEST_F(Scans, FollowRenamesAndRemovals) {
    for (int n = 0; n < 2000; ++n) write_local(path("file-" + std::to_string(n)), "");
    DirectoryScans scans{enough};
    const auto inode = inode_of("file-1234");
    EXPECT_EQ(name_of(scans, inode), "file-1234");
    EXPECT_EQ(tries, 1);
    boost::filesystem::rename(path("file-1234"), path("renamed"));
    EXPECT_EQ(name_of(scans, inode), "renamed");
    write_local(path("later"), "");
    EXPECT_EQ(name_of(scans, inode_of("later")), "later");
    boost::filesystem::create_hard_link(path("renamed"), path("second"));
    boost::filesystem::remove(path("renamed"));
    EXPECT_EQ(name_of(scans, inode), "second");
    boost::filesystem::remove(path("second"));
    EXPECT_EQ(name_of(scans, inode), "");
}

TEST_F(Scans, RememberNoMoreThanTheyMayAndFindAllTheSame) {
    for (int n = 0; n < 500; ++n) write_local(path("file-" + std::to_string(n)), "");
    DirectoryScans scans{1000};
    for (const auto* name : {"file-0", "file-250", "file-499"})
        EXPECT_EQ(name_of(scans, inode_of(name)), name);
    EXPECT_EQ(tries, 3);
}

TEST_F(Scans, AreNotNeededForLong) {
    write_local(path("file"), "");
    DirectoryScans scans{enough};
    EXPECT_EQ(name_of(scans, inode_of("file")), "file");
    for (int n = 0; n < 100; ++n) scans.sweep();
    EXPECT_EQ(name_of(scans, inode_of("file")), "file");
}

TEST_F(Scans, DoNotTakeAnErrorForAnAnswer) {
    write_local(path("file"), "");
    DirectoryScans scans{enough};
    const auto found = scans.find(open_.number(), id_, inode_of("file"), [](const char*) {
        return Result<Descriptor>{std::errc::too_many_files_open};
    });
    EXPECT_EQ(error_of(found), std::errc::too_many_files_open);
}

}  // namespace
}  // namespace berth::vfs::posix
