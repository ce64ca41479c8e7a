// The server's own small files, and what somebody else may have put in their way.
#include "nfs/vfs/kept_file.hpp"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "tests/nfs/vfs/posix/exported_directory.hpp"
#include "tests/support/temporary_directory.hpp"

namespace berth::vfs {
namespace {

class KeptFile : public ::testing::Test {
protected:
    KeptFile() { std::ofstream{victim} << "precious"; }

    [[nodiscard]] std::size_t files() const {
        return static_cast<std::size_t>(
            std::distance(std::filesystem::directory_iterator{directory.path()}, {}));
    }
    static std::string contents(const std::filesystem::path& path) {
        std::ifstream in{path};
        return {std::istreambuf_iterator<char>{in}, {}};
    }

    test::TemporaryDirectory directory;
    test::TemporaryDirectory elsewhere;
    std::filesystem::path file = directory.path() / "kept";
    std::filesystem::path fresh = directory.path() / "kept.new";
    std::filesystem::path victim = elsewhere.path() / "victim";
};

TEST_F(KeptFile, IsReadAsItWasWritten) {
    const std::string text = std::string{"a\0b\n", 4} + std::string(200'000, 'x');
    ASSERT_FALSE(replace_file(file, text));
    EXPECT_EQ(read_file(file).value(), text);
    ASSERT_FALSE(replace_file(file, ""));
    EXPECT_EQ(read_file(file).value(), "");
    EXPECT_EQ(files(), 1U) << "nothing is left beside it";
}

TEST_F(KeptFile, IsForItsOwnerAloneWhateverTheUmask) {
    for (const mode_t mask : {0U, 0777U}) {
        const auto before = ::umask(mask);
        const auto error = replace_file(file, "text");
        ::umask(before);
        ASSERT_FALSE(error);
        EXPECT_EQ(posix::local_status(file).st_mode, S_IFREG | 0600U);
    }
}

TEST_F(KeptFile, IsNotWrittenThroughALink) {
    std::filesystem::create_symlink(victim, fresh);
    std::filesystem::create_symlink(victim, file);
    ASSERT_FALSE(replace_file(file, "text"));
    EXPECT_EQ(contents(victim), "precious");
    EXPECT_TRUE(std::filesystem::is_regular_file(std::filesystem::symlink_status(file)));
    EXPECT_EQ(contents(file), "text");
    std::filesystem::create_hard_link(victim, fresh);
    ASSERT_FALSE(replace_file(file, "other"));
    EXPECT_EQ(contents(victim), "precious");
    EXPECT_EQ(contents(file), "other");
}

TEST_F(KeptFile, WaitsForNobody) {
    ASSERT_EQ(::mkfifo(fresh.c_str(), 0600), 0);
    ASSERT_FALSE(replace_file(file, "text"));
    EXPECT_EQ(contents(file), "text");
    std::filesystem::create_directory(fresh);
    ASSERT_FALSE(replace_file(file, "beside it"));
    EXPECT_EQ(contents(file), "beside it");
}

TEST_F(KeptFile, IsReadOnlyIfItIsAFile) {
    EXPECT_EQ(read_file(file).error(), std::errc::no_such_file_or_directory);
    EXPECT_EQ(read_file_if_there(file), "");
    std::filesystem::create_symlink(victim, file);
    EXPECT_EQ(read_file(file).error(), std::errc::too_many_symbolic_link_levels);
    EXPECT_THROW(static_cast<void>(read_file_if_there(file)), std::system_error);
    std::filesystem::remove(file);
    ASSERT_EQ(::mkfifo(file.c_str(), 0600), 0);
    EXPECT_EQ(read_file(file).error(), std::errc::invalid_argument);
    std::filesystem::remove(file);
    std::filesystem::create_directory(file);
    EXPECT_EQ(read_file(file).error(), std::errc::is_a_directory);
    EXPECT_THROW(static_cast<void>(read_file_if_there(file)), std::system_error);
    std::filesystem::remove(file);
    std::ofstream{file} << "";
    std::filesystem::resize_file(file, (std::size_t{64} << 20) + 1);
    EXPECT_EQ(read_file(file).error(), std::errc::file_too_large);
}

TEST_F(KeptFile, StaysAsItWasWhenTheNewOneCannotBeWritten) {
    ASSERT_FALSE(replace_file(file, "old"));
    posix::in_child_process([&] {
        std::signal(SIGXFSZ, SIG_IGN);
        const rlimit limit{.rlim_cur = 8, .rlim_max = 8};
        ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
        EXPECT_EQ(replace_file(file, "longer than that"), std::errc::file_too_large);
    });
    EXPECT_EQ(contents(file), "old");
    EXPECT_EQ(files(), 1U);
    EXPECT_EQ(replace_file(directory.path() / "missing" / "kept", "text"),
              std::errc::no_such_file_or_directory);
}

}  // namespace
}  // namespace berth::vfs
