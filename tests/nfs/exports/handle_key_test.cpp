#include <array>
#include <fstream>
#include <future>
#include <set>
#include <string>
#include <vector>

#include <sys/stat.h>

#include <boost/filesystem/directory.hpp>
#include <boost/filesystem/operations.hpp>
#include <boost/filesystem/path.hpp>
#include <gtest/gtest.h>

#include "nfs/exports/handle.hpp"
#include "nfs/state/folder.hpp"
#include "tests/support/temporary_directory.hpp"

namespace berth::exports {
namespace {

class HandleKeyFile : public ::testing::Test {
protected:
    void write(const std::string& name, std::size_t bytes) const {
        std::ofstream{directory / name, std::ios::binary} << std::string(bytes, 'k');
    }
    [[nodiscard]] std::size_t files() const {
        const boost::filesystem::directory_iterator all{directory};
        return static_cast<std::size_t>(std::distance(begin(all), end(all)));
    }

    [[nodiscard]] vfs::Result<HandleKey> key() const {
        return load_or_create_key(state::Folder::open(directory).value());
    }

    static std::vector<std::byte> bytes(const HandleKey& key) {
        return {key.bytes().begin(), key.bytes().end()};
    }

    const test::TemporaryDirectory temporary;
    const boost::filesystem::path directory = temporary.path();
};

TEST_F(HandleKeyFile, IsMadeOnceAndThenRead) {
    const auto made = key();
    ASSERT_TRUE(made);
    const auto read = key();
    ASSERT_TRUE(read);
    EXPECT_EQ(bytes(*made), bytes(*read));
    EXPECT_EQ(files(), 1U) << "nothing is left beside it";
}

TEST_F(HandleKeyFile, IsForItsOwnerOnly) {
    const auto path = directory / "handle.key";
    const auto umask_before = ::umask(0777);
    const auto made = key();
    ::umask(umask_before);
    ASSERT_TRUE(made);
    struct stat status {};
    ASSERT_EQ(::stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode, S_IFREG | 0600U);
    EXPECT_EQ(status.st_size, 16);
}

TEST_F(HandleKeyFile, KeepsBytesThatWereThere) {
    write("handle.key", 16);
    const auto read = key();
    ASSERT_TRUE(read);
    EXPECT_EQ(bytes(*read), std::vector<std::byte>(16, std::byte{'k'}));
}

TEST_F(HandleKeyFile, OfAnyOtherSizeIsRefusedAndLeftAlone) {
    for (const std::size_t size : {0U, 1U, 15U, 17U, 4096U}) {
        write("handle.key", size);
        const auto read = key();
        ASSERT_FALSE(read) << size;
        EXPECT_EQ(read.error(), std::errc::invalid_argument);
        EXPECT_EQ(boost::filesystem::file_size(directory / "handle.key"), size);
    }
}

TEST_F(HandleKeyFile, WhatIsNoFileIsRefused) {
    const auto path = directory / "handle.key";
    boost::filesystem::create_directory(path);
    EXPECT_EQ(key().error(), std::errc::is_a_directory);
    boost::filesystem::remove(path);
    write("target", 16);
    boost::filesystem::create_symlink("target", path);
    EXPECT_EQ(key().error(), std::errc::too_many_symbolic_link_levels);
    boost::filesystem::remove(path);
    ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
    EXPECT_EQ(key().error(), std::errc::invalid_argument);
}

TEST_F(HandleKeyFile, OneLeftHalfWrittenIsMadeAnew) {
    write("handle.key.new", 5);
    EXPECT_TRUE(key());
    EXPECT_EQ(files(), 1U);
}

TEST_F(HandleKeyFile, IsTheSameForAllWhoStartAtOnce) {
    std::vector<std::future<vfs::Result<HandleKey>>> starters;
    for (int i = 0; i < 16; ++i) {
        starters.push_back(std::async(std::launch::async, [&] { return key(); }));
    }
    std::set<std::vector<std::byte>> keys;
    for (auto& starter : starters) keys.insert(bytes(starter.get().value()));
    EXPECT_EQ(keys.size(), 1U);
}

}  // namespace
}  // namespace berth::exports
