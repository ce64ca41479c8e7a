#include "nfs/vfs/posix/system/same_inode.hpp"

#include <fcntl.h>

#include <boost/filesystem/operations.hpp>

#include "nfs/vfs/posix/system/calls.hpp"
#include "tests/media/exported_directory.hpp"

namespace berth::vfs::posix {
namespace {

using Answer = SameInode::Answer;

TEST(SameInodes, AreThoseOfNamesOfOneFile) {
    const TemporaryDirectory directory;
    write_local(directory / "one", "");
    write_local(directory / "other", "");
    boost::filesystem::create_hard_link(directory / "one", directory / "also");
    boost::filesystem::create_symlink(directory / "one", directory / "link");
    const auto opened = [&](const char* name) {
        return open_at(AT_FDCWD, (directory / name).c_str(), O_PATH | O_NOFOLLOW).value();
    };
    const auto one = opened("one");
    const auto also = opened("also");
    SameInode same;
    for (int time = 0; time < 2; ++time) {
        EXPECT_EQ(same(one.number(), also.number()).value(), Answer::same);
        EXPECT_EQ(same(one.number(), one.number()).value(), Answer::same);
        EXPECT_EQ(same(one.number(), opened("other").number()).value(), Answer::different);
        EXPECT_EQ(same(one.number(), opened("link").number()).value(), Answer::different);
        boost::filesystem::remove(directory / "also");  // it is open
    }
}

}  // namespace
}  // namespace berth::vfs::posix
