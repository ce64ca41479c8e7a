// The journal of names: what it holds after every kind of end, and what it costs.
#include "nfs/vfs/posix/names_on_disk.hpp"

#include <array>
#include <cstring>
#include <fstream>
#include <map>
#include <random>
#include <thread>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/nfs/vfs/posix/exported_directory.hpp"

namespace berth::vfs::posix {
namespace {

ObjectId id_of(std::uint32_t number) {
    return ObjectId{std::as_bytes(std::span{&number, 1})};
}

class NamesOnDiskTest : public ::testing::Test {
protected:
    static constexpr std::size_t plenty = 100'000;

    std::unique_ptr<NamesOnDisk> open(std::size_t names_max = plenty) {
        auto opened = NamesOnDisk::open(directory / "names", names_max);
        if (!opened) ADD_FAILURE() << std::make_error_code(opened.error()).message();
        return opened ? std::move(*opened) : nullptr;
    }
    static std::string place_of(NamesOnDisk& names, std::uint32_t number) {
        std::string text;
        for (const auto& place : names.find(id_of(number))) {
            std::uint32_t above = 0;
            std::memcpy(&above, place.directory.bytes().data(), sizeof above);
            text += (text.empty() ? "" : " ") + std::to_string(above) + "/" + place.name;
        }
        return text.empty() ? "nowhere" : text;
    }

    TemporaryDirectory directory;
};

TEST_F(NamesOnDiskTest, KeepsOnePlacePerObject) {
    const auto names = open();
    EXPECT_EQ(place_of(*names, 1), "nowhere");
    names->put(id_of(1), id_of(0), "a");
    names->put(id_of(1), id_of(0), "b");
    EXPECT_EQ(place_of(*names, 1), "0/b");
    names->erase(id_of(1), id_of(0), "a");
    EXPECT_EQ(place_of(*names, 1), "0/b") << "that was not its place any more";
    names->put(id_of(1), id_of(2), "b");
    names->erase(id_of(1), id_of(0), "b");
    EXPECT_EQ(place_of(*names, 1), "2/b");
    names->erase(id_of(1), id_of(2), "b");
    EXPECT_EQ(place_of(*names, 1), "nowhere");
    names->put(id_of(1), id_of(2), "b");
    EXPECT_EQ(place_of(*names, 1), "2/b") << "the same place again";
}

TEST_F(NamesOnDiskTest, IsAtOnceToldWhatItKnows) {
    auto names = open();
    EXPECT_FALSE(names->put_at_once(id_of(1), id_of(0), "a"));
    EXPECT_EQ(place_of(*names, 1), "nowhere");
    names->put(id_of(1), id_of(0), "a");
    EXPECT_TRUE(names->put_at_once(id_of(1), id_of(0), "a"));
    EXPECT_FALSE(names->put_at_once(id_of(1), id_of(0), "b"));
    EXPECT_FALSE(names->put_at_once(id_of(1), id_of(2), "a"));
    names->erase(id_of(1), id_of(0), "a");
    EXPECT_FALSE(names->put_at_once(id_of(1), id_of(0), "a"));
    EXPECT_EQ(place_of(*names, 1), "nowhere");
}

TEST_F(NamesOnDiskTest, IsNobodyElsesBusiness) {
    const auto mask = ::umask(0);
    const auto names = *NamesOnDisk::open(directory / "state/names", plenty);
    ::umask(mask);
    for (const auto* made : {"state", "state/names"})
        EXPECT_EQ(local_status(directory / made).st_mode & 0777U, 0700U) << made;
}

TEST_F(NamesOnDiskTest, ARestartForgetsNothing) {
    for (std::uint32_t round = 0; round < 3; ++round) {
        const auto names = open();
        for (std::uint32_t n = 0; n < round * 100; ++n)
            EXPECT_EQ(place_of(*names, n), "7/" + std::to_string(n));
        for (std::uint32_t n = round * 100; n < (round + 1) * 100; ++n)
            names->put(id_of(n), id_of(7), std::to_string(n));
    }
    auto names = open();
    names->erase(id_of(5), id_of(7), "5");
    names.reset();
    EXPECT_EQ(place_of(*open(), 5), "nowhere");
}

TEST_F(NamesOnDiskTest, NorDoesASuddenEnd) {
    const pid_t child = ::fork();
    if (child == 0) {
        auto names = open();
        names->put(id_of(1), id_of(0), "in the database");
        names->put(id_of(2), id_of(0), "erased later");
        if (!names->commit()) ::_exit(1);
        names->put(id_of(3), id_of(0), "in the log");
        names->erase(id_of(2), id_of(0), "erased later");
        ::_exit(0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    ASSERT_EQ(status, 0);
    const auto names = open();
    EXPECT_EQ(place_of(*names, 1), "0/in the database");
    EXPECT_EQ(place_of(*names, 2), "nowhere");
    EXPECT_EQ(place_of(*names, 3), "0/in the log");
}

// A kill at any moment, with a commit under way or not.
TEST_F(NamesOnDiskTest, NorDoesAKill) {
    for (std::uint32_t round = 1; round <= 10; ++round) {
        std::array<int, 2> told{};
        ASSERT_EQ(::pipe(told.data()), 0);
        const pid_t child = ::fork();
        if (child == 0) {
            const auto names = open();
            for (std::uint32_t n = 0;; ++n) {
                names->put(id_of(n), id_of(round), std::to_string(n));
                if (::write(told[1], &n, sizeof n) != sizeof n) ::_exit(1);
            }
        }
        ::close(told[1]);
        std::uint32_t last = 0;
        const std::uint32_t enough = round * 1000;
        while (last < enough && ::read(told[0], &last, sizeof last) == sizeof last) {
        }
        ::kill(child, SIGKILL);
        ::waitpid(child, nullptr, 0);
        while (::read(told[0], &last, sizeof last) == sizeof last) {
        }
        ::close(told[0]);
        const auto names = open();
        for (std::uint32_t n = 0; n <= last; ++n)
            ASSERT_EQ(place_of(*names, n), std::to_string(round) + "/" + std::to_string(n));
    }
}

TEST_F(NamesOnDiskTest, ADamagedDatabaseIsSetAsideAndSaidSo) {
    open()->put(id_of(1), id_of(0), "a");
    const std::filesystem::path path = directory / "names";
    std::ofstream{path / "data.mdb", std::ios::binary} << std::string(20'000, 'x');
    auto names = open();
    EXPECT_NE(names->describe().find("damaged"), std::string::npos);
    EXPECT_TRUE(std::filesystem::exists(path / "damaged.mdb"));
    names->put(id_of(2), id_of(0), "b");
    names.reset();
    names = open();
    EXPECT_EQ(names->describe().find("damaged"), std::string::npos);
    EXPECT_EQ(place_of(*names, 2), "0/b");
}

TEST_F(NamesOnDiskTest, OneProcessAtATime) {
    const auto names = open();
    EXPECT_EQ(error_of(NamesOnDisk::open(directory / "names", plenty)),
              std::errc::device_or_resource_busy);
}

TEST_F(NamesOnDiskTest, TheOldestAreForgottenButNotTheirWayDown) {
    constexpr std::uint32_t names_max = 100;
    const auto names = open(names_max);
    // 1 leads to 2, and that to all the others.
    names->put(id_of(1), id_of(0), "top");
    names->put(id_of(2), id_of(1), "directory");
    for (std::uint32_t n = 10; n < 1000; ++n) {
        names->put(id_of(n), id_of(2), "name");
        if (n % 10 == 0) {
            EXPECT_TRUE(names->commit());
        }
    }
    EXPECT_TRUE(names->commit());
    EXPECT_EQ(names->size(), names_max);
    EXPECT_EQ(place_of(*names, 999), "2/name");
    EXPECT_EQ(place_of(*names, 2), "1/directory");
    EXPECT_EQ(place_of(*names, 1), "0/top");
    EXPECT_EQ(place_of(*names, 10), "nowhere");
    names->put(id_of(10), id_of(2), "name");
    EXPECT_EQ(place_of(*names, 10), "2/name") << "seen again";
}

TEST_F(NamesOnDiskTest, WhatIsFoundByHandleAloneStaysYoung) {
    const auto names = open(100);
    names->put(id_of(1), id_of(0), "in use");
    for (std::uint32_t n = 10; n < 1000; ++n) {
        names->put(id_of(n), id_of(0), "name");
        if (n % 10 == 0) {
            EXPECT_TRUE(names->commit());
            EXPECT_EQ(place_of(*names, 1), "0/in use") << n;
        }
    }
}

TEST_F(NamesOnDiskTest, LongNamesFitAsWell) {
    constexpr std::uint32_t names_max = 60'000;
    const auto names = open(names_max);
    const std::string name(255, 'x');
    for (std::uint32_t n = 1; n < 3 * names_max; ++n) {
        names->put(id_of(n), id_of(0), name);
        if (n % 20'000 == 0) {
            EXPECT_TRUE(names->commit());
        }
    }
    EXPECT_TRUE(names->commit());
    EXPECT_EQ(names->trouble(), std::nullopt);
    EXPECT_EQ(place_of(*names, 3 * names_max - 1), "0/" + name);
    EXPECT_EQ(names->size(), names_max);
}

TEST_F(NamesOnDiskTest, AgreesWithAMapWhateverIsDone) {
    const auto seed = std::random_device{}();
    RecordProperty("seed", static_cast<int>(seed));
    std::mt19937 random{seed};
    std::map<std::uint32_t, std::string> model;
    auto names = open();
    for (int step = 0; step < 20'000; ++step) {
        const auto number = static_cast<std::uint32_t>(1 + random() % 200);
        const auto name = std::to_string(random() % 3);
        switch (random() % 4) {
        case 0:
        case 1:
            names->put(id_of(number), id_of(0), name);
            model[number] = "0/" + name;
            break;
        case 2:
            names->erase(id_of(number), id_of(0), name);
            if (const auto found = model.find(number);
                found != model.end() && found->second == "0/" + name)
                model.erase(found);
            break;
        default: {
            const auto found = model.find(number);
            ASSERT_EQ(place_of(*names, number), found == model.end() ? "nowhere" : found->second)
                << "seed " << seed << " step " << step;
        }
        }
        if (random() % 5000 == 0) {
            names.reset();
            names = open();
        }
    }
}

TEST_F(NamesOnDiskTest, ManyThreadsAtOnce) {
    const auto names = open();
    std::vector<std::jthread> threads;
    for (std::uint32_t t = 0; t < 4; ++t)
        threads.emplace_back([&, t] {
            for (std::uint32_t n = 0; n < 2000; ++n) {
                names->put(id_of(t * 10'000 + n), id_of(t), "a");
                names->put(id_of(t * 10'000 + n), id_of(t), "b");
                if (n % 3 == 0) names->erase(id_of(t * 10'000 + n), id_of(t), "b");
                EXPECT_EQ(place_of(*names, t * 10'000 + n),
                          n % 3 == 0 ? "nowhere" : std::to_string(t) + "/b");
            }
        });
    threads.clear();
    EXPECT_EQ(place_of(*names, 30'001), "3/b");
}

TEST_F(NamesOnDiskTest, ADiskThatIsFullIsSaidAndSurvived) {
    in_child_process([this] {
        have_own_mounts();
        const std::string small = directory / "small";
        std::filesystem::create_directory(small);
        mount_memory(small, "size=1m");
        const auto names = *NamesOnDisk::open(small + "/names", plenty);
        const std::string name(200, 'x');
        for (std::uint32_t n = 0; n < 10'000; ++n) names->put(id_of(n), id_of(0), name);
        EXPECT_FALSE(names->commit());
        const auto trouble = names->trouble();
        EXPECT_TRUE(trouble && trouble->find("No space left") != std::string::npos)
            << trouble.value_or("nothing was said");
        EXPECT_EQ(place_of(*names, 9'999), "0/" + name) << "as long as it lives, all is known";
    });
}

// --- an export with a journal
// ---------------------------------------------------------------------

class Journaled : public ExportedDirectory {
protected:
    Journaled() { restart(); }

    [[nodiscard]] Options options() const {
        Options options{.nodes_max = 1, .kernel_handles = false};
        options.journal = state / "names";
        return options;
    }
    void restart() {
        files.reset();
        open_again(options());
    }
    std::string text_of(const ObjectId& id) {
        auto found = files->find(id, Wait::yes);
        return found ? read_all(**found, root_caller) : "error";
    }

    TemporaryDirectory state;
};

TEST_F(Journaled, HandlesSurviveARestart) {
    EXPECT_NE(files->describe().find("journal"), std::string::npos) << files->describe();
    write_local(local / "f", "looked up");
    write_local(local / "g", "peeked at");
    const auto looked_up = lookup("f")->id();
    const auto peeked = root()->peek(root_caller, "g")->id;
    const auto made = create(root_caller, "h")->id();
    write_local(local / "h", "made");
    const auto top = root()->id();
    restart();
    EXPECT_EQ(text_of(looked_up), "looked up");
    EXPECT_EQ(text_of(peeked), "peeked at");
    EXPECT_EQ(text_of(made), "made");
    EXPECT_TRUE(files->find(top, Wait::yes));
}

TEST_F(Journaled, AlsoOfWhatWasRenamedAndWhoseParentsWere) {
    auto outer = make_directory(root_caller, "outer");
    auto inner = outer->make_directory(root_caller, "inner", {}).value();
    const auto deep = inner->create(root_caller, "f", {}).value()->id();
    const auto moved = create(root_caller, "g")->id();
    write_local(local / "outer/inner/f", "deep");
    write_local(local / "g", "moved");
    EXPECT_TRUE(root()->rename(root_caller, "g", *inner, "g2"));
    EXPECT_TRUE(root()->rename(root_caller, "outer", *root(), "outer2"));
    inner.reset();
    outer.reset();
    restart();
    EXPECT_EQ(text_of(deep), "deep");
    EXPECT_EQ(text_of(moved), "moved");
}

TEST_F(Journaled, ButNotOfWhatIsGoneAlthoughItsInodeIsUsedAgain) {
    std::vector<ObjectId> gone;
    for (int n = 0; n < 50; ++n) {
        gone.push_back(create(root_caller, "f")->id());
        if (n % 2 == 0) {
            EXPECT_TRUE(root()->remove(root_caller, "f"));
        } else {
            std::filesystem::remove(local / "f");
        }
    }
    create(root_caller, "f");
    restart();
    for (const auto& id : gone) EXPECT_EQ(error_of(files->find(id, Wait::yes)), stale);
}

TEST_F(Journaled, AWayOfThreeHundredLevels) {
    auto directory = root();
    for (int level = 0; level < 300; ++level) {
        directory = directory->make_directory(root_caller, "deeper", {}).value();
    }
    const auto id = directory->create(root_caller, "f", {}).value()->id();
    directory.reset();
    restart();
    EXPECT_TRUE(files->find(id, Wait::yes));
}

TEST_F(Journaled, WhereItCannotBeKeptNamesAreInMemoryAndTheReasonIsSaid) {
    auto other = open(local.path(), options()).value();
    EXPECT_NE(other->describe().find("another process uses it"), std::string::npos)
        << other->describe();
    write_local(state / "file", "in the way");
    auto in_the_way = options();
    in_the_way.journal = state / "file";
    other = open(local.path(), in_the_way).value();
    EXPECT_NE(other->describe().find("in memory"), std::string::npos) << other->describe();
}

TEST_F(Journaled, NoneIsMadeWhereTheKernelOpensHandles) {
    auto kernel = options();
    kernel.kernel_handles = true;
    kernel.journal = state / "unused";
    open_again(kernel);
    EXPECT_FALSE(std::filesystem::exists(state / "unused"));
}

TEST_F(Journaled, ANameSeenForTheFirstTimeIsLeftToWhoMayWait) {
    write_local(local / "f", "text");
    const auto top = root();
    EXPECT_EQ(error_of(top->lookup(not_waiting(root_caller), "f")), would_block);
    EXPECT_EQ(error_of(top->peek(not_waiting(root_caller), "f")), would_block);
    const auto id = top->lookup(root_caller, "f").value()->id();
    EXPECT_EQ(top->lookup(not_waiting(root_caller), "f").value()->id(), id);
    EXPECT_EQ(top->peek(not_waiting(root_caller), "f")->id, id);
}

}  // namespace
}  // namespace berth::vfs::posix
