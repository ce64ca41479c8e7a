// EXCLUSIVE create: the verifier is kept in the file, all 64 bits of it.
#include "nfs/vfs/posix/system/exclusive.hpp"

#include <array>
#include <bit>
#include <cstdint>
#include <functional>

#include <boost/filesystem/operations.hpp>

#include "tests/media/exported_directory.hpp"
#include "tests/media/medium.hpp"

namespace berth::vfs::posix {
namespace {

CreateVerifier verifier_of(std::uint64_t bits) {
    return std::bit_cast<CreateVerifier>(bits);
}

NewFile exclusive(std::uint64_t bits) {
    return {.mode = CreateMode::exclusive, .verifier = verifier_of(bits)};
}

// Each in turn on the file system of /tmp (ext4 where this is developed) and on tmpfs.
class Exclusive : public ::testing::TestWithParam<const char*> {
protected:
    Exclusive() : local(GetParam()) {
        boost::filesystem::permissions(local.path(), boost::filesystem::perms::all_all);
        open_again();
    }
    void open_again() {
        top.reset();
        files.reset();
        files = std::move(open(local.path()).value());
        top = files->root().value();
    }

    TemporaryDirectory local;
    std::unique_ptr<FileSystem> files;
    NodePtr top;
};
INSTANTIATE_TEST_SUITE_P(On, Exclusive, ::testing::Values("/tmp", "/dev/shm"),
                         [](const auto& on) { return on.index == 0 ? "Disk" : "Memory"; });

TEST_P(Exclusive, TheSameCallAgainIsSuccess) {
    auto first = top->create(alice, "f", exclusive(0x0123456789ABCDEF)).value();
    EXPECT_EQ(first->attributes(Patience::ample)->mode, 0600U);
    EXPECT_EQ(top->create(alice, "f", exclusive(0x0123456789ABCDEF)).value(), first);
    open_again();
    EXPECT_TRUE(top->create(alice, "f", exclusive(0x0123456789ABCDEF)));
}

TEST_P(Exclusive, EveryBitCounts) {
    for (const std::uint64_t bits : {std::uint64_t{0}, ~std::uint64_t{0}, 0x8000000080000000U}) {
        ASSERT_TRUE(top->create(alice, "f", exclusive(bits)));
        for (int bit = 0; bit < 64; ++bit) {
            const auto other = bits ^ std::uint64_t{1} << bit;
            EXPECT_EQ(error_of(top->create(alice, "f", exclusive(other))), std::errc::file_exists)
                << bit;
        }
        EXPECT_TRUE(top->create(alice, "f", exclusive(bits)));
        ASSERT_TRUE(top->remove(alice, "f"));
    }
}

TEST_P(Exclusive, SomebodyElsesFileIsNotTaken) {
    static_cast<void>(top->create(alice, "f", exclusive(1)).value());
    EXPECT_EQ(error_of(top->create(bob, "f", exclusive(1))), std::errc::file_exists);
}

TEST_P(Exclusive, AFileThatHasBeenUsedIsNotTaken) {
    auto file = top->create(alice, "f", exclusive(1)).value();
    EXPECT_TRUE(file->write(alice, 0, std::as_bytes(std::span("x", 1))));
    EXPECT_EQ(error_of(top->create(alice, "f", exclusive(1))), std::errc::file_exists);
    static_cast<void>(top->create(alice, "g", exclusive(1)).value());
    EXPECT_TRUE(top->lookup(alice, "g")
                    .value()
                    ->set_attributes(alice, {.accessed = NewTime{}, .modified = NewTime{}}));
    EXPECT_EQ(error_of(top->create(alice, "g", exclusive(1))), std::errc::file_exists);
}

TEST_P(Exclusive, ReadingTheEmptyFileLeavesTheVerifier) {
    auto file = top->create(alice, "f", exclusive(77)).value();
    std::array<std::byte, 16> into{};
    EXPECT_EQ(file->read(alice, 0, into).value(), 0U);
    EXPECT_EQ(file->read(alice, 100, into).value(), 0U);
    EXPECT_TRUE(top->create(alice, "f", exclusive(77)));
}

TEST_P(Exclusive, OtherObjectsAreNotTaken) {
    static_cast<void>(top->make_directory(alice, "d", {}).value());
    static_cast<void>(top->make_symbolic_link(alice, "l", "nowhere", {}).value());
    static_cast<void>(top->make_special(alice, "p", {}).value());
    for (const char* name : {"d", "l", "p", ".", ".."}) {
        EXPECT_EQ(error_of(top->create(alice, name, exclusive(0))), std::errc::file_exists) << name;
    }
}

// Whatever is left of a time where it is kept, the call is known again, after a restart too; and
// another one is not taken for it.
class CoarseExclusive : public ::testing::Test {
protected:
    void knows_its_own(
        const std::string& path, const Caller& caller,
        const std::function<void()>& between = [] {}) {
        for (const std::uint64_t bits :
             {std::uint64_t{0}, ~std::uint64_t{0}, std::uint64_t{0x8000000080000000},
              std::uint64_t{0x0123456789ABCDEF}, std::uint64_t{0xFEDCBA9876543211}}) {
            std::unique_ptr<FileSystem> files = open(path).value();
            auto made = files->root().value()->create(caller, "f", exclusive(bits));
            ASSERT_TRUE(made) << path;
            made = NodePtr{};
            files.reset();
            between();
            files = open(path).value();
            const auto top = files->root().value();
            EXPECT_TRUE(top->create(caller, "f", exclusive(bits))) << path;
            for (int bit = 0; bit < 64; ++bit) {
                const auto other = bits ^ std::uint64_t{1} << bit;
                EXPECT_EQ(error_of(top->create(caller, "f", exclusive(other))),
                          std::errc::file_exists)
                    << path << bit;
            }
            EXPECT_TRUE(top->remove(caller, "f"));
        }
    }

    TemporaryDirectory space{"/var/tmp"};
};

TEST_F(CoarseExclusive, OnSmallInodes) {
    in_child_process([this] {
        have_own_mounts();
        boost::filesystem::permissions(space.path(), boost::filesystem::perms::all_all);
        ImageMedium medium{space / "medium", "ext4", 32, "-I 128"};
        knows_its_own(medium.path(), alice, [&] { medium.mount_again(); });
    });
}

TEST_F(CoarseExclusive, OnEveryKindOfImage) {
    in_child_process([this] {
        have_own_mounts();
        boost::filesystem::permissions(space.path(), boost::filesystem::perms::all_all);
        for (const std::string kind : {"xfs", "btrfs"}) {
            ImageMedium medium{space / kind, kind, kind == "xfs" ? 300U : 120U};
            knows_its_own(medium.path(), alice, [&] { medium.mount_again(); });
        }
    });
}

TEST_F(CoarseExclusive, OnStepsOfAnyLength) {
    in_child_process([this] {
        have_own_mounts();
        FuseMedium medium{space / "medium"};
        constexpr std::int64_t second = 1'000'000'000;
        for (const std::int64_t step : {std::int64_t{100}, second, 2 * second, 86'400 * second}) {
            medium.fail({.time_step = step});
            knows_its_own(medium.path(), root_caller);
        }
        // Nothing at all is kept: the client is told to do without.
        medium.fail({.time_step = 1'000'000 * second});
        auto files = open(medium.path()).value();
        EXPECT_EQ(error_of(files->root().value()->create(root_caller, "f", exclusive(77))),
                  std::errc::operation_not_supported);
        EXPECT_TRUE(boost::filesystem::is_empty(medium.path()));
    });
}

TEST_F(CoarseExclusive, WhereEveryReadIsNoted) {
    in_child_process([this] {
        have_own_mounts();
        boost::filesystem::permissions(space.path(), boost::filesystem::perms::all_all);
        ImageMedium medium{space / "medium", "ext4", 32};
        medium.mount_with("strictatime");
        auto files = open(medium.path()).value();
        const auto file = files->root().value()->create(alice, "f", exclusive(5)).value();
        std::array<std::byte, 16> into{};
        EXPECT_EQ(file->read(alice, 0, into).value(), 0U);
        EXPECT_TRUE(files->root().value()->create(alice, "f", exclusive(5)));
    });
}

}  // namespace
}  // namespace berth::vfs::posix
