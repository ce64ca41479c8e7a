// The log before the journal's database, whole and torn.
#include "nfs/vfs/posix/recent_log.hpp"

#include <fstream>

#include "tests/nfs/vfs/posix/exported_directory.hpp"

namespace berth::vfs::posix {
namespace {

ObjectId id_of(std::uint32_t number) {
    return ObjectId{std::as_bytes(std::span{&number, 1})};
}

class RecentLogTest : public ::testing::Test {
protected:
    /// "+" or "-" and the name or the id's first byte, of all changes.
    static std::string told(const RecentLog& log) {
        std::string text;
        const auto replayed = log.replay([&](const ObjectId& id, std::optional<Place> place) {
            text += place ? "+" + place->name
                          : "-" + std::to_string(std::to_integer<int>(id.bytes().front()));
        });
        EXPECT_TRUE(replayed);
        return text;
    }
    static void put(RecentLog& log, std::uint32_t number, const std::string& name) {
        EXPECT_TRUE(log.append(id_of(number), Place{id_of(9), name}));
    }
    std::string told_again() { return told(RecentLog::open(directory.path()).value()); }

    TemporaryDirectory directory;
};

TEST_F(RecentLogTest, TellsWhatItWasTold) {
    {
        auto log = RecentLog::open(directory.path()).value();
        EXPECT_EQ(told(log), "");
        put(log, 1, "a");
        EXPECT_TRUE(log.append(id_of(1), std::nullopt));
        put(log, 2, std::string(255, 'x'));
        put(log, 3, "");
    }
    EXPECT_EQ(told_again(), "+a-1+" + std::string(255, 'x') + "+");
}

TEST_F(RecentLogTest, TheFilesTakeTurnsAndTheOlderIsToldFirst) {
    {
        auto log = RecentLog::open(directory.path()).value();
        put(log, 1, "a");
        log.turn();
        put(log, 2, "b");
        log.turn();  // not while the other holds something
        put(log, 3, "c");
        EXPECT_EQ(told(log), "+a+b+c");
    }
    EXPECT_EQ(told_again(), "+a+b+c");
    {
        auto log = RecentLog::open(directory.path()).value();
        EXPECT_TRUE(log.forget_older());
        EXPECT_EQ(told(log), "+b+c");
        log.turn();
        put(log, 4, "d");
    }
    EXPECT_EQ(told_again(), "+b+c+d");
    {
        auto log = RecentLog::open(directory.path()).value();
        EXPECT_TRUE(log.forget_all());
        EXPECT_EQ(told(log), "");
        put(log, 5, "e");
    }
    EXPECT_EQ(told_again(), "+e");
}

TEST_F(RecentLogTest, WhatIsTornIsToldAsFarAsItIsWhole) {
    {
        auto log = RecentLog::open(directory.path()).value();
        for (std::uint32_t n = 0; n < 3; ++n) put(log, n, "name");
    }
    const auto file = std::filesystem::path{directory / "recent.0"};
    const auto size = std::filesystem::file_size(file);
    ASSERT_GT(size, 0U);
    const auto record = (size - 8) / 3;
    for (auto left = size; left > 0; --left) {
        std::filesystem::resize_file(file, left - 1);
        const auto whole = left - 1 < 8 ? 0 : (left - 1 - 8) / record;
        std::string expected;
        for (std::uintmax_t n = 0; n < whole; ++n) expected += "+name";
        ASSERT_EQ(told_again(), expected) << left;
    }
}

TEST_F(RecentLogTest, AFlippedBitIsNoticed) {
    {
        auto log = RecentLog::open(directory.path()).value();
        for (std::uint32_t n = 0; n < 2; ++n) put(log, n, "name");
    }
    const auto file = std::filesystem::path{directory / "recent.0"};
    const auto size = std::filesystem::file_size(file);
    for (std::uintmax_t at = 8; at < size; ++at) {
        std::fstream stream{file, std::ios::in | std::ios::out | std::ios::binary};
        stream.seekg(static_cast<std::streamoff>(at));
        const auto byte = static_cast<char>(stream.get());
        const auto change = [&](char to) {
            stream.seekp(static_cast<std::streamoff>(at));
            stream.put(to);
            stream.flush();
        };
        change(static_cast<char>(byte ^ 4));
        ASSERT_EQ(told_again(), at < 8 + (size - 8) / 2 ? "" : "+name") << at;
        change(byte);
    }
    EXPECT_EQ(told_again(), "+name+name");
}

TEST_F(RecentLogTest, OneAtATime) {
    const auto log = RecentLog::open(directory.path()).value();
    EXPECT_EQ(error_of(RecentLog::open(directory.path())), std::errc::device_or_resource_busy);
}

// A record of which only a part found room would hide all after it.
TEST_F(RecentLogTest, ADiskThatIsFullLeavesNoPart) {
    in_child_process([this] {
        have_own_mounts();
        mount_memory(directory.path(), "size=64k");
        const std::string name(200, 'x');
        std::size_t kept = 0;
        {
            auto log = RecentLog::open(directory.path()).value();
            while (log.append(id_of(1), Place{id_of(9), name})) ++kept;
            EXPECT_EQ(error_of(log.append(id_of(1), Place{id_of(9), name})),
                      std::errc::no_space_on_device);
            EXPECT_TRUE(log.append(id_of(7), std::nullopt)) << "there is room for a small one";
        }
        const auto text = told_again();
        EXPECT_EQ(text.size(), kept * (name.size() + 1) + 2);
        EXPECT_EQ(text.substr(text.size() - 2), "-7");
    });
}

}  // namespace
}  // namespace berth::vfs::posix
