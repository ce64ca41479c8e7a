// Files that say what to do and may be pipes.
#include "server/input_file.hpp"

#include <fstream>
#include <future>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/filesystem/path.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/gate.hpp"
#include "tests/support/temporary_directory.hpp"

namespace berth::server {
namespace {

using testing::HasSubstr;

std::string reason(const boost::filesystem::path& path, Reading reading) {
    try {
        return "read: " + contents_of(path, reading, std::chrono::milliseconds{1});
    } catch (const UsageError& error) {
        return error.what();
    }
}

class InputFileTest : public testing::Test {
protected:
    test::TemporaryDirectory directory_;
    boost::filesystem::path file_ = directory_.path() / "file";
    boost::filesystem::path pipe_ = directory_.path() / "pipe";

    void SetUp() override {
        std::ofstream{file_} << std::string(100'000, 'x') << "\n";
        ASSERT_EQ(::mkfifo(pipe_.c_str(), 0600), 0);
    }
};

TEST_F(InputFileTest, RegularFilesAreReadEachTime) {
    for (const auto reading : {Reading::at_start, Reading::again})
        EXPECT_EQ(contents_of(file_, reading).size(), 100'001U);
}

TEST_F(InputFileTest, APipeIsReadToItsEndAtTheStart) {
    auto read = std::async(std::launch::async,
                           [&] { return contents_of(pipe_, Reading::at_start, test::patience); });
    const int writing = ::open(pipe_.c_str(), O_WRONLY | O_CLOEXEC);
    ASSERT_EQ(::write(writing, "one\n", 4), 4);
    ASSERT_EQ(::write(writing, "two\n", 4), 4);
    ::close(writing);
    EXPECT_EQ(read.get(), "one\ntwo\n");
}

TEST_F(InputFileTest, APipeThatNobodyWritesToIsNotWaitedFor) {
    EXPECT_THAT(reason(pipe_, Reading::at_start), HasSubstr("nothing came out of it"));
}

TEST_F(InputFileTest, APipeThatItsWriterKeepsOpenIsNotWaitedFor) {
    const int writing = ::open(pipe_.c_str(), O_RDWR | O_CLOEXEC);
    ASSERT_EQ(::write(writing, "half", 4), 4);
    EXPECT_THAT(reason(pipe_, Reading::at_start), HasSubstr("nothing came out of it"));
    ::close(writing);
}

TEST_F(InputFileTest, APipeCanNotBeReadAgain) {
    EXPECT_THAT(reason(pipe_, Reading::again), HasSubstr("can be read at the start only"));
}

TEST_F(InputFileTest, DevicesThatHaveItAtOnceAreReadEachTime) {
    EXPECT_EQ(reason("/dev/null", Reading::again), "read: ");
    EXPECT_THAT(reason("/dev/zero", Reading::again), HasSubstr("larger than 16 MiB"));
}

TEST_F(InputFileTest, TheMarkThatSomeEditorsWriteFirstIsNoText) {
    std::ofstream{file_} << "\xEF\xBB\xBF"
                         << "text";
    EXPECT_EQ(contents_of(file_, Reading::at_start), "text");
}

TEST_F(InputFileTest, WhatIsNoFileIsSaid) {
    EXPECT_THAT(reason(directory_.path(), Reading::again), HasSubstr("it is a directory"));
    EXPECT_THAT(reason(directory_.path() / "none", Reading::again), HasSubstr("No such file"));
}

}  // namespace
}  // namespace berth::server
