// The server's own files, and what somebody else may have put in their way.
#include "nfs/state/folder.hpp"

#include <csignal>
#include <fstream>
#include <iterator>
#include <string>

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/filesystem/directory.hpp>
#include <boost/filesystem/operations.hpp>
#include <boost/filesystem/path.hpp>
#include <gtest/gtest.h>

#include "tests/media/exported_directory.hpp"
#include "tests/support/temporary_directory.hpp"

namespace berth::state {
namespace {

class StateFolderTest : public ::testing::Test {
protected:
    StateFolderTest() { std::ofstream{victim} << "precious"; }

    [[nodiscard]] std::size_t files() const {
        return static_cast<std::size_t>(
            std::distance(boost::filesystem::directory_iterator{directory.path()}, {}));
    }
    static std::string contents(const boost::filesystem::path& path) {
        std::ifstream in{path};
        return {std::istreambuf_iterator<char>{in}, {}};
    }
    [[nodiscard]] bool replace(std::string_view text) const {
        return folder.replace("kept", text, ::fsync).has_value();
    }
    [[nodiscard]] std::errc read_error() const { return vfs::posix::error_of(folder.read("kept")); }

    test::TemporaryDirectory directory;
    test::TemporaryDirectory elsewhere;
    Folder folder = Folder::open(directory.path()).value();
    boost::filesystem::path file = directory.path() / "kept";
    boost::filesystem::path fresh = directory.path() / "kept.new";
    boost::filesystem::path victim = elsewhere.path() / "victim";
};

TEST_F(StateFolderTest, AFileIsReadAsItWasWritten) {
    const std::string text = std::string{"a\0b\n", 4} + std::string(200'000, 'x');
    ASSERT_TRUE(replace(text));
    EXPECT_EQ(folder.read("kept")->bytes, text);
    EXPECT_EQ(folder.read("kept")->identity, folder.identity("kept").value());
    ASSERT_TRUE(replace(""));
    EXPECT_EQ(folder.read("kept")->bytes, "");
    EXPECT_EQ(files(), 1U) << "nothing is left beside it";
}

TEST_F(StateFolderTest, AFileIsForItsOwnerAloneWhateverTheUmask) {
    for (const mode_t mask : {0U, 0777U}) {
        const auto before = ::umask(mask);
        const bool is_written = replace("text");
        ::umask(before);
        ASSERT_TRUE(is_written);
        EXPECT_EQ(vfs::posix::local_status(file).st_mode, S_IFREG | 0600U);
    }
}

TEST_F(StateFolderTest, NothingIsWrittenThroughALink) {
    boost::filesystem::create_symlink(victim, fresh);
    boost::filesystem::create_symlink(victim, file);
    ASSERT_TRUE(replace("text"));
    EXPECT_EQ(contents(victim), "precious");
    EXPECT_TRUE(boost::filesystem::is_regular_file(boost::filesystem::symlink_status(file)));
    EXPECT_EQ(contents(file), "text");
    boost::filesystem::create_hard_link(victim, fresh);
    ASSERT_TRUE(replace("other"));
    EXPECT_EQ(contents(victim), "precious");
    EXPECT_EQ(contents(file), "other");
}

TEST_F(StateFolderTest, WaitsForNobody) {
    ASSERT_EQ(::mkfifo(fresh.c_str(), 0600), 0);
    ASSERT_TRUE(replace("text"));
    EXPECT_EQ(contents(file), "text");
    boost::filesystem::create_directory(fresh);
    ASSERT_TRUE(replace("beside it"));
    EXPECT_EQ(contents(file), "beside it");
}

TEST_F(StateFolderTest, ReadsWhatIsAFile) {
    EXPECT_EQ(read_error(), std::errc::no_such_file_or_directory);
    boost::filesystem::create_symlink(victim, file);
    EXPECT_EQ(read_error(), std::errc::too_many_symbolic_link_levels);
    boost::filesystem::remove(file);
    ASSERT_EQ(::mkfifo(file.c_str(), 0600), 0);
    EXPECT_EQ(read_error(), std::errc::invalid_argument);
    boost::filesystem::remove(file);
    boost::filesystem::create_directory(file);
    EXPECT_EQ(read_error(), std::errc::is_a_directory);
    boost::filesystem::remove(file);
    std::ofstream{file} << "";
    boost::filesystem::resize_file(file, Folder::bytes_max + 1);
    EXPECT_EQ(read_error(), std::errc::file_too_large);
}

TEST_F(StateFolderTest, AFileStaysAsItWasWhenTheNewOneCannotBeWritten) {
    ASSERT_TRUE(replace("old"));
    vfs::posix::in_child_process([&] {
        std::signal(SIGXFSZ, SIG_IGN);
        const rlimit limit{.rlim_cur = 8, .rlim_max = 8};
        ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
        EXPECT_FALSE(replace("longer than that"));
    });
    EXPECT_EQ(contents(file), "old");
    EXPECT_EQ(files(), 1U);
}

TEST_F(StateFolderTest, IsTheDirectoryThatWasOpened) {
    const auto away = elsewhere.path() / "away";
    EXPECT_TRUE(folder.check_place());
    boost::filesystem::rename(directory.path(), away);
    EXPECT_EQ(vfs::posix::error_of(folder.check_place()), std::errc::no_such_file_or_directory);
    boost::filesystem::create_directory(directory.path());
    EXPECT_EQ(vfs::posix::error_of(folder.check_place()), vfs::stale);
    ASSERT_TRUE(replace("text"));
    EXPECT_EQ(contents(away / "kept"), "text");
    EXPECT_EQ(files(), 0U) << "the other one is not touched";
    boost::filesystem::remove(directory.path());
    boost::filesystem::create_directory_symlink(away, directory.path());
    EXPECT_TRUE(folder.check_place()) << "a link leads there";
    boost::filesystem::remove(directory.path());
}

}  // namespace
}  // namespace berth::state
