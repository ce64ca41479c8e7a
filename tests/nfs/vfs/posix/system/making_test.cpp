// New objects appear complete or not at all, whatever goes wrong and whoever else is at work; and
// what is undone is never somebody else's.
#include "nfs/vfs/posix/system/making.hpp"

#include <atomic>
#include <bit>
#include <csignal>
#include <cstring>
#include <new>
#include <thread>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/filesystem/directory.hpp>
#include <boost/filesystem/operations.hpp>

#include "tests/media/exported_directory.hpp"
#include "tests/media/medium.hpp"

namespace berth::vfs::posix {
namespace {

CreateVerifier spread_verifier(std::uint64_t number) {
    constexpr std::uint64_t spread = 0x9E37'79B9'7F4A'7C15;
    return std::bit_cast<CreateVerifier>((number + 1) * spread);
}

NewFile exclusive_one(std::uint64_t number) {
    return {.mode = CreateMode::exclusive, .verifier = spread_verifier(number)};
}

std::string name_of(std::uint64_t number) {
    return "f" + std::to_string(number);
}

/// Memory that a child process shares with the test.
class SharedCounter {
public:
    SharedCounter()
        : counter_(new (::mmap(nullptr, sizeof(std::atomic<std::uint64_t>), PROT_READ | PROT_WRITE,
                               MAP_SHARED | MAP_ANONYMOUS, -1, 0)) std::atomic<std::uint64_t>{}) {}
    SharedCounter(const SharedCounter&) = delete;
    SharedCounter& operator=(const SharedCounter&) = delete;
    ~SharedCounter() { ::munmap(counter_, sizeof *counter_); }
    std::atomic<std::uint64_t>& operator*() { return *counter_; }

private:
    std::atomic<std::uint64_t>* counter_;
};

class Making : public ::testing::Test {
protected:
    Making() { boost::filesystem::permissions(space.path(), boost::filesystem::perms::all_all); }
    void export_again(const std::string& path) {
        files.reset();
        files = std::move(open(path).value());
    }
    NodePtr root() { return files->root().value(); }

    void survives_being_killed(const std::string& path, const Caller& caller = alice);

    TemporaryDirectory space{"/var/tmp"};
    std::unique_ptr<FileSystem> files;
};

// A client repeats its call when the server is back: the file is either not there or its own.
void Making::survives_being_killed(const std::string& path, const Caller& caller) {
    SharedCounter begun;
    for (int round = 0; round < 40; ++round) {
        const auto first = (*begun).load();
        const pid_t server = ::fork();
        ASSERT_GE(server, 0);
        if (server == 0) {
            export_again(path);
            const auto top = root();
            for (auto number = first + 1;; ++number) {
                *begun = number;
                const auto made = top->create(caller, name_of(number), exclusive_one(number));
                if (!made) ::_exit(static_cast<int>(made.error()));
            }
        }
        // So that the kill meets different moments.
        const auto enough = first + 1 + static_cast<std::uint64_t>(round % 5);
        int outcome = 0;
        bool has_ended = false;
        while (*begun < enough && !has_ended) {
            has_ended = ::waitpid(server, &outcome, WNOHANG) != 0;
            std::this_thread::yield();
        }
        ASSERT_FALSE(has_ended) << "creating failed: " << std::strerror(WEXITSTATUS(outcome));
        for (int spin = 0; spin < round * 997; ++spin) {
            std::atomic_signal_fence(std::memory_order_seq_cst);
        }
        ::kill(server, SIGKILL);
        ASSERT_EQ(::waitpid(server, &outcome, 0), server);
        EXPECT_TRUE(WIFSIGNALED(outcome));
        export_again(path);
        const auto last = (*begun).load();
        EXPECT_EQ(error_of(root()->create(caller, name_of(last), exclusive_one(last))), std::errc{})
            << last;
        EXPECT_EQ(error_of(root()->create(caller, name_of(last), exclusive_one(last + 1))),
                  std::errc::file_exists);
    }
    files.reset();
}

TEST_F(Making, AnExclusiveFileHasItsVerifierFromTheFirstMoment) {
    boost::filesystem::create_directory(space / "d");
    boost::filesystem::permissions(space / "d", boost::filesystem::perms::all_all);
    survives_being_killed(space / "d");
}

TEST_F(Making, AnExclusiveFileHasItsVerifierFromTheFirstMomentBelowFuseToo) {
    in_child_process([this] {
        have_own_mounts();
        FuseMedium medium{space / "medium"};
        survives_being_killed(medium.path(), root_caller);
        medium.fail({.renames_plainly = true});
        boost::filesystem::create_directory(medium.path() + "/d");
        survives_being_killed(medium.path() + "/d", root_caller);
    });
}

// No way is left to make it at once: the client is told to do without.
TEST_F(Making, AnExclusiveFileThatCannotBeMadeAtOnceIsNotSupported) {
    in_child_process([this] {
        have_own_mounts();
        FuseMedium medium{space / "medium"};
        medium.fail({.renames_plainly = true, .has_no_links = true});
        export_again(medium.path());
        EXPECT_EQ(error_of(root()->create(root_caller, "f", exclusive_one(1))),
                  std::errc::operation_not_supported);
        EXPECT_TRUE(boost::filesystem::is_empty(medium.path()));
        // What does not depend on it goes on.
        EXPECT_TRUE(
            root()->create(root_caller, "g", {.attributes = {.modified = NewTime{Time{5}}}}));
        EXPECT_TRUE(root()->make_directory(root_caller, "d", {.modified = NewTime{Time{5}}}));
        files.reset();
    });
}

// A local process moves its own file there and away again all the time; it must have it in the end.
TEST_F(Making, WhatCannotBeFinishedTakesNobodyElsesFileAlong) {
    in_child_process([this] {
        have_own_mounts();
        FuseMedium medium{space / "medium"};
        const auto base = space / "medium/base";
        write_local(base + "/theirs", "precious");
        export_again(medium.path());
        medium.fail({.set = EIO});
        std::atomic<bool> done = false;
        std::atomic<std::uint64_t> lost = 0;
        std::thread local_process{[&] {
            while (!done) {
                if (::rename((base + "/theirs").c_str(), (base + "/x").c_str()) != 0) ++lost;
                if (::rename((base + "/x").c_str(), (base + "/theirs").c_str()) != 0) ++lost;
            }
        }};
        const NewAttributes wanted{.mode = 0600, .modified = NewTime{Time{1, 0}}};
        const auto top = root();
        int refused = 0;
        for (int n = 0; n < 300; ++n) {
            for (const auto& made :
                 {top->create(root_caller, "x",
                              {.mode = CreateMode::guarded, .attributes = wanted}),
                  top->make_special(root_caller, "x", {.attributes = wanted}),
                  top->make_symbolic_link(root_caller, "x", "t", wanted)}) {
                EXPECT_FALSE(made);
                refused += made.error() == std::errc::io_error ? 1 : 0;
            }
        }
        done = true;
        local_process.join();
        EXPECT_GT(refused, 0);
        EXPECT_EQ(lost, 0U);
        EXPECT_EQ(read_local(base + "/theirs"), "precious");
        files.reset();
    });
}

TEST_F(Making, WhatCannotBeFinishedIsGoneWithoutATrace) {
    in_child_process([this] {
        have_own_mounts();
        FuseMedium medium{space / "medium"};
        export_again(medium.path());
        const NewAttributes wanted{.mode = 02700, .modified = NewTime{Time{1, 0}}};
        for (const bool plainly : {false, true}) {
            medium.fail({.set = ENOSPC, .renames_plainly = plainly, .has_no_links = plainly});
            constexpr auto full = std::errc::no_space_on_device;
            EXPECT_EQ(error_of(root()->create(root_caller, "x", {.attributes = wanted})), full);
            EXPECT_EQ(error_of(root()->make_directory(root_caller, "x", wanted)), full);
            EXPECT_EQ(error_of(root()->make_special(root_caller, "x", {.attributes = wanted})),
                      full);
            EXPECT_EQ(error_of(root()->make_symbolic_link(root_caller, "x", "t", wanted)), full);
            EXPECT_TRUE(boost::filesystem::is_empty(space / "medium/base"));
        }
        files.reset();
    });
}

TEST_F(Making, WhatIsRemovedIsWhatWasMeant) {
    const int directory = ::open(space.path().c_str(), O_RDONLY | O_DIRECTORY);
    write_local(space / "ours", "ours");
    write_local(space / "theirs", "theirs");
    const auto ours = status(directory, "ours").value();
    const auto is_ours = [&](const char* name) {
        const auto found = status(directory, name);
        return found && is_same_object(*found, ours);
    };
    remove_if(directory, "theirs", 0, is_ours);
    EXPECT_EQ(read_local(space / "theirs"), "theirs");
    // Just after it was looked at, another file gets the name.
    int looks = 0;
    remove_if(directory, "ours", 0, [&](const char* name) {
        const bool found = is_ours(name);
        if (++looks == 1) {
            boost::filesystem::rename(space / "ours", space / "moved");
            boost::filesystem::rename(space / "theirs", space / "ours");
        }
        return found;
    });
    EXPECT_EQ(read_local(space / "ours"), "theirs");
    EXPECT_EQ(read_local(space / "moved"), "ours");
    remove_if(directory, "moved", 0, is_ours);
    EXPECT_FALSE(boost::filesystem::exists(space / "moved"));
    EXPECT_EQ(std::distance(boost::filesystem::directory_iterator{space.path()}, {}), 1);
    ::close(directory);
}

// Such a directory lets nothing be moved or removed again.
TEST_F(Making, ADirectoryThatOnlyTakesEntriesKeepsNoLitter) {
    boost::filesystem::create_directory(space / "log");
    run_command("chattr +a " + (space / "log"));
    export_again(space / "log");
    const NewAttributes wanted{.mode = 02755, .modified = NewTime{Time{7, 0}}};
    EXPECT_TRUE(root()->create(root_caller, "f", {.attributes = wanted}));
    EXPECT_TRUE(root()->make_directory(root_caller, "d", wanted));
    EXPECT_TRUE(root()->create(root_caller, "e", exclusive_one(1)));
    EXPECT_TRUE(root()->create(root_caller, "e", exclusive_one(1)));
    EXPECT_EQ(std::distance(boost::filesystem::directory_iterator{space / "log"}, {}), 3);
    files.reset();
    run_command("chattr -a " + (space / "log"));
}

}  // namespace
}  // namespace berth::vfs::posix
