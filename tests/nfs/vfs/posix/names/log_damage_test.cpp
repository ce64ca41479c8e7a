// The journal of names, damaged in every way: it says so, keeps what is whole, and goes on.
#include <atomic>
#include <fstream>
#include <random>
#include <tuple>

#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/filesystem/directory.hpp>
#include <boost/filesystem/operations.hpp>
#include <boost/filesystem/path.hpp>

#include "nfs/vfs/posix/names/log.hpp"
#include "tests/nfs/vfs/posix/names/opened_log.hpp"

namespace berth::vfs::posix {
namespace {

constexpr std::uint32_t names_count = 300;

class DamagedNameLog : public OpenedLog {
protected:
    void fill() {
        open();
        for (std::uint32_t n = 1; n <= names_count; ++n) put(n, 0, std::to_string(n));
        log->finish();
    }
    // Each is right or not there at all.
    std::uint32_t count_right() {
        std::uint32_t right = 0;
        for (std::uint32_t n = 1; n <= names_count; ++n) {
            const auto places = places_of(n);
            if (places != "nowhere") {
                EXPECT_EQ(places, "0/" + std::to_string(n));
                ++right;
            }
        }
        return right;
    }
    void expect_to_say(const std::string& what) {
        const auto trouble = log->trouble();
        EXPECT_TRUE(trouble && trouble->find(what) != std::string::npos)
            << trouble.value_or("nothing was said");
    }
    // As good as any other, and for good.
    void expect_to_go_on() {
        put(1000, 0, "new");
        EXPECT_EQ(places_of(1000), "0/new");
        EXPECT_TRUE(log->finish());
        std::ignore = log->trouble();
        const auto right = count_right();
        open();
        EXPECT_EQ(log->trouble(), std::nullopt);
        EXPECT_EQ(places_of(1000), "0/new");
        EXPECT_EQ(count_right(), right);
    }
    static void flip(const boost::filesystem::path& file, std::uint64_t at, unsigned bit) {
        std::fstream bytes{file, std::ios::binary | std::ios::in | std::ios::out};
        bytes.seekg(static_cast<std::streamoff>(at));
        const auto byte = static_cast<char>(bytes.get() ^ (1 << bit));
        bytes.seekp(static_cast<std::streamoff>(at));
        bytes.put(byte);
    }
    [[nodiscard]] std::size_t set_aside() const {
        std::size_t count = 0;
        for (const auto& entry : boost::filesystem::directory_iterator{directory / "names"})
            if (entry.path().filename().string().starts_with("damaged.")) ++count;
        return count;
    }
};

TEST_F(DamagedNameLog, CutAnywhereBeforeTheStart) {
    fill();
    log.reset();
    const auto whole = boost::filesystem::file_size(files().front());
    for (std::uint64_t size = 0; size < whole; size = size < 100 ? size + 7 : size * 3 / 2) {
        boost::filesystem::remove_all(directory / "names");
        fill();
        log.reset();
        boost::filesystem::resize_file(files().front(), size);
        open();
        expect_to_say("must mount again");
        EXPECT_NEAR(count_right(),
                    names_count * static_cast<double>(size) / static_cast<double>(whole), 2)
            << size;
        EXPECT_EQ(set_aside(), 1U);
        expect_to_go_on();
        log.reset();
    }
}

TEST_F(DamagedNameLog, CutWhileItServes) {
    fill();
    const auto size = boost::filesystem::file_size(files().front());
    boost::filesystem::resize_file(files().front(), size / 2);
    EXPECT_TRUE(log->finish());
    EXPECT_NEAR(count_right(), names_count / 2, 2);
    put(names_count, 0, std::to_string(names_count));
    EXPECT_NE(places_of(names_count), "nowhere") << "seen again";
    expect_to_say("must mount again");
    EXPECT_EQ(set_aside(), 1U);
    expect_to_go_on();
}

TEST_F(DamagedNameLog, BitsFlippedBeforeTheStart) {
    const auto seed = std::random_device{}();
    std::mt19937 random{seed};
    for (int round = 0; round < 20; ++round) {
        boost::filesystem::remove_all(directory / "names");
        fill();
        log.reset();
        const auto file = files().front();
        const auto size = boost::filesystem::file_size(file);
        for (int n = 0; n <= round; ++n) flip(file, random() % size, random() % 8);
        open();
        EXPECT_GE(count_right(), names_count - 2 * (static_cast<unsigned>(round) + 1)) << seed;
        expect_to_go_on();
        log.reset();
    }
}

TEST_F(DamagedNameLog, BitsFlippedWhileItServes) {
    const auto seed = std::random_device{}();
    std::mt19937 random{seed};
    fill();
    for (int round = 0; round < 50; ++round) {
        const auto all = files();
        const auto& file = all[random() % all.size()];
        flip(file, random() % boost::filesystem::file_size(file), random() % 8);
        EXPECT_GE(count_right() + 2 * (static_cast<unsigned>(round) + 1), names_count) << seed;
        if (round % 10 == 0) {
            EXPECT_TRUE(log->finish());
        }
    }
    expect_to_go_on();
}

TEST_F(DamagedNameLog, AllOfItOverwritten) {
    fill();
    log.reset();
    std::ofstream{files().front(), std::ios::binary} << std::string(200'000, 'x');
    open();
    expect_to_say("must mount again");
    EXPECT_EQ(count_right(), 0U);
    expect_to_go_on();
}

TEST_F(DamagedNameLog, SomethingElseInItsPlace) {
    for (const auto* what : {"directory", "pipe", "link", "nothing"}) {
        boost::filesystem::remove_all(directory / "names");
        fill();
        log.reset();
        const auto file = files().front();
        boost::filesystem::remove(file);
        if (what == std::string_view{"directory"}) boost::filesystem::create_directory(file);
        if (what == std::string_view{"pipe"}) ::mkfifo(file.c_str(), 0600);
        if (what == std::string_view{"link"})
            boost::filesystem::create_symlink("/etc/passwd", file);
        open();
        if (what != std::string_view{"nothing"}) expect_to_say("must mount again");
        EXPECT_EQ(count_right(), 0U);
        expect_to_go_on();
        log.reset();
    }
    EXPECT_TRUE(boost::filesystem::exists("/etc/passwd"));
}

TEST_F(DamagedNameLog, ItsDirectoryGoneWhileItServes) {
    fill();
    boost::filesystem::remove_all(directory / "names");
    EXPECT_EQ(count_right(), names_count);
    put(1000, 0, "new");
    EXPECT_EQ(places_of(1000), "0/new");
    EXPECT_FALSE(log->finish());
    expect_to_say("no new file can be begun");
    EXPECT_EQ(count_right(), names_count);
}

TEST_F(DamagedNameLog, AFileThatIsRemovedWhileItServesIsWrittenAgain) {
    fill();
    for (const auto& file : files()) boost::filesystem::remove(file);
    EXPECT_TRUE(log->finish());
    expect_to_say("damaged");
    EXPECT_EQ(count_right(), names_count);
    expect_to_go_on();
    EXPECT_EQ(count_right(), names_count);
}

TEST_F(DamagedNameLog, OnlyTheLastDamagedFilesAreKept) {
    for (int round = 0; round < 3; ++round) {
        fill();
        log.reset();
        for (const auto& file : files()) flip(file, 100, 0);
    }
    open();
    EXPECT_EQ(set_aside(), 1U);
}

TEST_F(DamagedNameLog, ADiskThatFailsIsSaidOnceAndSurvived) {
    std::atomic<bool> is_failing = false;
    NameLogOptions options;
    options.synchronize = [&](int) -> Result<void> {
        if (is_failing) return std::errc::io_error;
        return {};
    };
    open(options);
    put(1, 0, "a");
    EXPECT_TRUE(log->synchronize());
    is_failing = true;
    put(2, 0, "b");
    EXPECT_FALSE(log->synchronize());
    EXPECT_FALSE(log->finish());
    expect_to_say("can't be made durable");
    EXPECT_FALSE(log->finish());
    EXPECT_EQ(log->trouble(), std::nullopt);
    is_failing = false;
    EXPECT_TRUE(log->finish());
    EXPECT_TRUE(log->synchronize());
    EXPECT_EQ(places_of(1), "0/a");
    EXPECT_EQ(places_of(2), "0/b");
}

TEST_F(DamagedNameLog, ADiskThatIsFullIsSaidAndSurvived) {
    in_child_process([this] {
        have_own_mounts();
        boost::filesystem::create_directory(directory / "names");
        mount_memory(directory / "names", "size=1m");
        open();
        const std::string name(200, 'x');
        for (std::uint32_t n = 0; n < 10'000; ++n) put(n, 0, name);
        EXPECT_FALSE(log->finish());
        expect_to_say("No space left");
        for (std::uint32_t n = 0; n < 10'000; ++n)
            ASSERT_EQ(places_of(n), "0/" + name) << "as long as it lives, all is known";
        ASSERT_EQ(::mount("tmpfs", (directory / "names").c_str(), "tmpfs", MS_REMOUNT, "size=20m"),
                  0);
        EXPECT_TRUE(log->finish()) << "with room again, all is written";
        open();
        for (std::uint32_t n = 0; n < 10'000; ++n) ASSERT_EQ(places_of(n), "0/" + name);
        log.reset();
    });
}

TEST_F(DamagedNameLog, AFileSystemThatBecomesReadOnly) {
    in_child_process([this] {
        have_own_mounts();
        boost::filesystem::create_directory(directory / "names");
        mount_memory(directory / "names", "size=1m");
        fill();
        log.reset();
        ASSERT_EQ(::mount("tmpfs", (directory / "names").c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY,
                          nullptr),
                  0);
        EXPECT_EQ(error_of(NameLog::open(directory / "names", {})),
                  std::errc::read_only_file_system);
    });
}

TEST_F(DamagedNameLog, JournalsOfAnEarlierReleaseAreRemoved) {
    const boost::filesystem::path old = directory / "names/=srv=a";
    boost::filesystem::create_directories(old);
    for (const auto* name : {"data.mdb", "lock.mdb", "recent.0", "recent.1"})
        std::ofstream{old / name} << "x";
    boost::filesystem::create_directory(directory / "names/somebody's");
    open();
    expect_to_say("earlier release");
    EXPECT_FALSE(boost::filesystem::exists(old));
    EXPECT_TRUE(boost::filesystem::exists(directory / "names/somebody's"));
}

TEST_F(DamagedNameLog, SaysThatItsDirectoryWasTakenAway) {
    open();
    put(1, 0, "a");
    boost::filesystem::rename(directory / "names", directory / "elsewhere");
    static_cast<void>(log->finish());
    expect_to_say("removed or moved");
    static_cast<void>(log->finish());
    EXPECT_EQ(log->trouble(), std::nullopt) << "once";
    boost::filesystem::rename(directory / "elsewhere", directory / "names");
    static_cast<void>(log->finish());
    boost::filesystem::remove_all(directory / "names");
    static_cast<void>(log->finish());
    expect_to_say("removed or moved");
}

}  // namespace
}  // namespace berth::vfs::posix
