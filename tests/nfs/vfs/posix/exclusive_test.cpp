// EXCLUSIVE create: the verifier is kept in the file, all 64 bits of it.
#include "nfs/vfs/posix/exclusive.hpp"

#include <array>
#include <bit>
#include <cstdint>

#include "tests/nfs/vfs/posix/exported_directory.hpp"

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
        std::filesystem::permissions(local.path(), std::filesystem::perms::all);
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
    EXPECT_EQ(first->attributes(Wait::yes)->mode, 0600U);
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

}  // namespace
}  // namespace berth::vfs::posix
