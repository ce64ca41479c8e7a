#include <array>
#include <cstdlib>
#include <fstream>
#include <future>
#include <set>
#include <string>
#include <vector>

#include <sys/stat.h>

#include <gtest/gtest.h>

#include "nfs/vfs/handle.hpp"

namespace berth::vfs {
namespace {

class HandleKeyFile : public ::testing::Test {
protected:
    HandleKeyFile() {
        std::string pattern = std::filesystem::temp_directory_path() / "berth-key-XXXXXX";
        if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error{"mkdtemp"};
        directory = pattern;
    }
    ~HandleKeyFile() override { std::filesystem::remove_all(directory); }

    void write(const std::string& name, std::size_t bytes) const {
        std::ofstream{directory / name, std::ios::binary} << std::string(bytes, 'k');
    }
    [[nodiscard]] std::size_t files() const {
        const std::filesystem::directory_iterator all{directory};
        return static_cast<std::size_t>(std::distance(begin(all), end(all)));
    }

    static std::vector<std::byte> bytes(const HandleKey& key) {
        return {key.bytes().begin(), key.bytes().end()};
    }

    std::filesystem::path directory;
};

TEST_F(HandleKeyFile, IsMadeOnceAndThenRead) {
    const auto path = directory / "handle.key";
    const auto made = load_or_create_key(path);
    ASSERT_TRUE(made);
    const auto read = load_or_create_key(path);
    ASSERT_TRUE(read);
    EXPECT_EQ(bytes(*made), bytes(*read));
    EXPECT_EQ(files(), 1U) << "nothing is left beside it";
}

TEST_F(HandleKeyFile, IsForItsOwnerOnly) {
    const auto path = directory / "handle.key";
    const auto umask_before = ::umask(0777);
    const auto made = load_or_create_key(path);
    ::umask(umask_before);
    ASSERT_TRUE(made);
    struct stat status {};
    ASSERT_EQ(::stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode, S_IFREG | 0600U);
    EXPECT_EQ(status.st_size, 16);
}

TEST_F(HandleKeyFile, KeepsBytesThatWereThere) {
    write("handle.key", 16);
    const auto read = load_or_create_key(directory / "handle.key");
    ASSERT_TRUE(read);
    EXPECT_EQ(bytes(*read), std::vector<std::byte>(16, std::byte{'k'}));
}

TEST_F(HandleKeyFile, OfAnyOtherSizeIsRefusedAndLeftAlone) {
    for (const std::size_t size : {0U, 1U, 15U, 17U, 4096U}) {
        write("handle.key", size);
        const auto read = load_or_create_key(directory / "handle.key");
        ASSERT_FALSE(read) << size;
        EXPECT_EQ(read.error(), std::errc::invalid_argument);
        EXPECT_EQ(std::filesystem::file_size(directory / "handle.key"), size);
    }
}

TEST_F(HandleKeyFile, WhatIsNoFileIsRefused) {
    std::filesystem::create_directory(directory / "directory");
    EXPECT_EQ(load_or_create_key(directory / "directory").error(), std::errc::is_a_directory);
    write("target", 16);
    std::filesystem::create_symlink("target", directory / "link");
    EXPECT_EQ(load_or_create_key(directory / "link").error(),
              std::errc::too_many_symbolic_link_levels);
    ASSERT_EQ(::mkfifo((directory / "fifo").c_str(), 0600), 0);
    EXPECT_EQ(load_or_create_key(directory / "fifo").error(), std::errc::invalid_argument);
}

TEST_F(HandleKeyFile, NeedsItsDirectory) {
    EXPECT_EQ(load_or_create_key(directory / "missing" / "handle.key").error(),
              std::errc::no_such_file_or_directory);
    write("file", 1);
    EXPECT_EQ(load_or_create_key(directory / "file" / "handle.key").error(),
              std::errc::not_a_directory);
}

TEST_F(HandleKeyFile, OneLeftHalfWrittenIsMadeAnew) {
    write("handle.key.new", 5);
    EXPECT_TRUE(load_or_create_key(directory / "handle.key"));
    EXPECT_EQ(files(), 1U);
}

TEST_F(HandleKeyFile, IsTheSameForAllWhoStartAtOnce) {
    std::vector<std::future<Result<HandleKey>>> starters;
    for (int i = 0; i < 16; ++i) {
        starters.push_back(std::async(
            std::launch::async, [&] { return load_or_create_key(directory / "handle.key"); }));
    }
    std::set<std::vector<std::byte>> keys;
    for (auto& starter : starters) keys.insert(bytes(starter.get().value()));
    EXPECT_EQ(keys.size(), 1U);
}

}  // namespace
}  // namespace berth::vfs
