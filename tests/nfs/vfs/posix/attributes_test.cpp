// Attributes as the kernel has them, and every way of setting them.
#include <array>
#include <fstream>
#include <limits>

#include <fcntl.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/media/exported_directory.hpp"

namespace berth::vfs::posix {
namespace {

using AttributesOf = ExportedDirectory;
using SetAttributes = ExportedDirectory;

NewTime at(std::int64_t seconds, std::uint32_t nanoseconds = 0) {
    return {.value = Time{seconds, nanoseconds}};
}

std::int64_t now() {
    return ::time(nullptr);
}

TEST_F(AttributesOf, AreWhatLocalProcessesSee) {
    write_local(local / "f", std::string(5000, 'x'));
    ::chmod((local / "f").c_str(), 06751);
    EXPECT_EQ(::chown((local / "f").c_str(), 70'000, 80'000), 0);
    ::chmod((local / "f").c_str(), 06751);
    const auto found = lookup("f")->attributes(Patience::ample).value();
    const auto local_file = local_status(local / "f");
    EXPECT_EQ(found.type, FileType::regular);
    EXPECT_EQ(found.mode, 06751U);
    EXPECT_EQ(found.links, 1U);
    EXPECT_EQ(found.uid, 70'000U);
    EXPECT_EQ(found.gid, 80'000U);
    EXPECT_EQ(found.size, 5000U);
    EXPECT_EQ(found.used, static_cast<std::uint64_t>(local_file.st_blocks) * 512);
    EXPECT_EQ(found.device, DeviceNumber{});
    EXPECT_EQ(found.fileid, local_file.st_ino);
    EXPECT_EQ(found.changed.seconds, local_file.st_ctim.tv_sec);
    EXPECT_EQ(found.changed.nanoseconds, local_file.st_ctim.tv_nsec);
}

TEST_F(AttributesOf, EveryType) {
    auto top = root();
    const std::pair<const char*, SpecialFile> specials[]{
        {"fifo", {.type = FileType::fifo}},
        {"socket", {.type = FileType::socket}},
        {"block", {.type = FileType::block_device, .device = {259, 1'000'000}}},
        {"character", {.type = FileType::character_device, .device = {4000, 255}}},
    };
    for (const auto& [name, special] : specials) {
        const auto found =
            top->make_special(root_caller, name, special).value()->attributes(Patience::ample);
        EXPECT_EQ(found->type, special.type) << name;
        EXPECT_EQ(found->device, special.device) << name;
        EXPECT_EQ(found->mode, 0600U) << name;
        EXPECT_EQ(top->peek(root_caller, name)->attributes.type, special.type) << name;
    }
    EXPECT_EQ(error_of(top->make_special(root_caller, "x", {.type = FileType::regular})),
              std::errc::invalid_argument);
    EXPECT_EQ(top->attributes(Patience::ample)->type, FileType::directory);
}

// Opening a FIFO would wait for a writer, a socket cannot be opened: neither is ever tried.
TEST_F(AttributesOf, SpecialFilesAreNeverOpened) {
    auto fifo = root()->make_special(alice, "fifo", {.attributes = {.mode = 0666}}).value();
    std::array<std::byte, 8> bytes{};
    EXPECT_EQ(error_of(fifo->read(alice, 0, bytes)), std::errc::invalid_argument);
    EXPECT_EQ(error_of(fifo->write(alice, 0, bytes)), std::errc::invalid_argument);
    EXPECT_EQ(error_of(fifo->set_attributes(alice, {.size = 0})), std::errc::invalid_argument);
    EXPECT_TRUE(fifo->set_attributes(alice, {.mode = 0640, .modified = at(5)}));
    EXPECT_EQ(fifo->access(alice, may_read | may_write).value(), may_read | may_write);
    EXPECT_EQ(error_of(root()->read(alice, 0, bytes)), std::errc::is_a_directory);
    EXPECT_EQ(error_of(root()->write(alice, 0, bytes)), std::errc::is_a_directory);
    EXPECT_EQ(error_of(fifo->read_link(alice)), std::errc::invalid_argument);
    EXPECT_EQ(error_of(fifo->lookup(alice, "x")), std::errc::not_a_directory);
}

TEST_F(AttributesOf, BigSparseFilesAndOddTimes) {
    auto file = create(root_caller, "f");
    constexpr std::uint64_t five_gib = 5ULL << 30;
    EXPECT_TRUE(file->write(root_caller, five_gib - 1, std::as_bytes(std::span("x", 1))));
    EXPECT_EQ(file->attributes(Patience::ample)->size, five_gib);
    EXPECT_LT(file->attributes(Patience::ample)->used, 1U << 20);
    std::array<std::byte, 3> into{};
    EXPECT_EQ(file->read(root_caller, five_gib - 1, into).value(), 1U);
    EXPECT_EQ(into[0], std::byte{'x'});
    for (const std::int64_t seconds :
         {std::int64_t{-1}, std::int64_t{0}, std::int64_t{1} << 31, std::int64_t{4'294'967'296}}) {
        EXPECT_TRUE(file->set_attributes(
            root_caller, {.accessed = at(seconds, 999'999'999), .modified = at(seconds, 1)}));
        EXPECT_EQ(file->attributes(Patience::ample)->accessed, (Time{seconds, 999'999'999}));
        EXPECT_EQ(file->attributes(Patience::ample)->modified, (Time{seconds, 1}));
    }
}

TEST_F(AttributesOf, TheEdgesOfOffsets) {
    auto file = create(root_caller, "f");
    constexpr std::uint64_t largest = std::numeric_limits<std::int64_t>::max();
    std::array<std::byte, 8> bytes{};
    for (const std::uint64_t offset : {largest + 1, ~std::uint64_t{0}, largest - 3}) {
        EXPECT_EQ(error_of(file->write(root_caller, offset, bytes)), std::errc::file_too_large);
        EXPECT_EQ(file->read(root_caller, offset, bytes).value(), 0U);
    }
    EXPECT_EQ(error_of(file->set_attributes(root_caller, {.size = largest + 1})),
              std::errc::file_too_large);
    const std::uint64_t file_max = files->limits().file_bytes_max;
    EXPECT_GE(file_max, 1ULL << 40);
    EXPECT_TRUE(file->set_attributes(root_caller, {.size = file_max}));
    EXPECT_EQ(error_of(file->write(root_caller, file_max, bytes)), std::errc::file_too_large);
    EXPECT_EQ(file->read(root_caller, file_max - 8, bytes).value(), 8U);
}

TEST_F(AttributesOf, WritingNothingChangesNothing) {
    auto file = create(alice, "f");
    const auto before = file->attributes(Patience::ample).value();
    EXPECT_EQ(file->write(alice, 100, {}).value(), 0U);
    EXPECT_EQ(file->attributes(Patience::ample).value(), before);
    EXPECT_EQ(error_of(file->write(bob, 0, {})), std::errc::permission_denied);
}

TEST_F(AttributesOf, SpaceAndLimits) {
    const auto space = files->root(Patience::ample).value()->space(alice).value();
    EXPECT_GT(space.total_bytes, space.free_bytes);
    EXPECT_LE(space.available_bytes, space.free_bytes);
    EXPECT_GT(space.total_files, 0U);
    const auto roots = files->root(Patience::ample).value()->space(root_caller).value();
    EXPECT_GE(roots.available_bytes, space.available_bytes);
    EXPECT_EQ(files->limits().name_bytes_max, 255U);
    EXPECT_GE(files->limits().links_max, 32'000U);
}

// --- setting
// ----------------------------------------------------------------------------------------

TEST_F(SetAttributes, EverythingAtOnceAndWhatWasAskedWins) {
    auto file = create(alice, "f", 0644);
    EXPECT_TRUE(file->set_attributes(root_caller, {.mode = 06755,
                                                   .uid = 1001,
                                                   .gid = 1001,
                                                   .size = 100,
                                                   .accessed = at(1000),
                                                   .modified = at(2000, 5)}));
    const auto found = file->attributes(Patience::ample).value();
    EXPECT_EQ(found.mode, 06755U) << "set after the owner, which clears it";
    EXPECT_EQ(found.uid, 1001U);
    EXPECT_EQ(found.gid, 1001U);
    EXPECT_EQ(found.size, 100U);
    EXPECT_EQ(found.accessed, (Time{1000, 0}));
    EXPECT_EQ(found.modified, (Time{2000, 5})) << "set after the size, which moves it";
}

TEST_F(SetAttributes, WhatIsNotAskedForStays) {
    auto file = create(alice, "f", 0640);
    EXPECT_TRUE(file->set_attributes(alice, {.accessed = at(7), .modified = at(8)}));
    EXPECT_TRUE(file->set_attributes(alice, {.modified = at(9)}));
    EXPECT_EQ(file->attributes(Patience::ample)->accessed, (Time{7, 0}));
    EXPECT_TRUE(file->set_attributes(alice, {.accessed = at(6)}));
    EXPECT_EQ(file->attributes(Patience::ample)->modified, (Time{9, 0}));
    EXPECT_EQ(file->attributes(Patience::ample)->mode, 0640U);
    EXPECT_TRUE(file->set_attributes(alice, {}));
}

TEST_F(SetAttributes, OnlyTheOwnerMay) {
    auto file = create(alice, "f", 0666);
    EXPECT_EQ(error_of(file->set_attributes(bob, {.mode = 0777})), not_permitted);
    EXPECT_EQ(error_of(file->set_attributes(bob, {.uid = 1001})), not_permitted);
    EXPECT_EQ(error_of(file->set_attributes(bob, {.modified = at(1)})), not_permitted);
    EXPECT_EQ(error_of(file->set_attributes(alice, {.uid = 1001})), not_permitted);
    EXPECT_EQ(error_of(file->set_attributes(alice, {.gid = 1001})), not_permitted);
    EXPECT_TRUE(file->set_attributes(alice, {.uid = 1000, .gid = 1000}));
    EXPECT_TRUE(file->set_attributes(root_caller, {.uid = 1001}));
    EXPECT_EQ(error_of(file->set_attributes(alice, {.mode = 0777})), not_permitted);
}

TEST_F(SetAttributes, ARefusedOwnerLeavesTheSize) {
    auto file = create(alice, "f", 0666);
    EXPECT_TRUE(file->set_attributes(alice, {.size = 10}));
    EXPECT_EQ(error_of(file->set_attributes(bob, {.mode = 0777, .size = 0})), not_permitted);
    EXPECT_EQ(file->attributes(Patience::ample)->size, 10U);
}

TEST_F(SetAttributes, WhoMayWriteMaySetTheServersTime) {
    auto file = create(alice, "f", 0666);
    const NewTime server_time{};
    auto reset = [&] {
        EXPECT_TRUE(file->set_attributes(alice, {.accessed = at(1), .modified = at(1)}));
    };
    reset();
    EXPECT_TRUE(file->set_attributes(bob, {.accessed = server_time, .modified = server_time}));
    EXPECT_GE(file->attributes(Patience::ample)->modified.seconds, now() - 60);
    reset();
    EXPECT_TRUE(file->set_attributes(bob, {.modified = server_time}));
    EXPECT_GE(file->attributes(Patience::ample)->modified.seconds, now() - 60);
    EXPECT_EQ(file->attributes(Patience::ample)->accessed, (Time{1, 0}));
    reset();
    EXPECT_TRUE(file->set_attributes(bob, {.size = 0, .modified = server_time}));
    EXPECT_TRUE(file->set_attributes(alice, {.mode = 0644}));
    EXPECT_EQ(error_of(file->set_attributes(bob, {.modified = server_time})),
              std::errc::permission_denied);
    EXPECT_EQ(
        error_of(file->set_attributes(bob, {.accessed = server_time, .modified = server_time})),
        std::errc::permission_denied);
}

TEST_F(SetAttributes, ValuesThatMeanSomethingElseToTheKernelAreRefused) {
    auto file = create(alice, "f");
    constexpr std::uint32_t kernels_now = (1U << 30) - 1;
    constexpr std::uint32_t kernels_omit = (1U << 30) - 2;
    for (const std::uint32_t nanoseconds : {1'000'000'000U, kernels_now, kernels_omit, ~0U}) {
        EXPECT_EQ(error_of(file->set_attributes(alice, {.modified = at(1, nanoseconds)})),
                  std::errc::invalid_argument);
    }
    EXPECT_EQ(error_of(file->set_attributes(root_caller, {.uid = ~0U})),
              std::errc::invalid_argument);
    EXPECT_EQ(error_of(file->set_attributes(root_caller, {.gid = ~0U})),
              std::errc::invalid_argument);
}

TEST_F(SetAttributes, SymbolicLinksAreSetThemselves) {
    auto target = create(alice, "target", 0644);
    const auto before = target->attributes(Patience::ample).value();
    auto link = root()->make_symbolic_link(alice, "l", "target", {.mode = 0, .size = 3}).value();
    EXPECT_TRUE(link->set_attributes(root_caller, {.mode = 0, .uid = 1001, .gid = 1001}));
    EXPECT_TRUE(link->set_attributes(bob, {.accessed = at(3), .modified = at(4)}));
    const auto found = link->attributes(Patience::ample).value();
    EXPECT_EQ(found.uid, 1001U);
    EXPECT_EQ(found.modified, (Time{4, 0}));
    EXPECT_EQ(found.mode, 0777U);
    EXPECT_EQ(target->attributes(Patience::ample).value(), before);
    EXPECT_EQ(error_of(link->set_attributes(bob, {.size = 0})), std::errc::invalid_argument);
}

TEST_F(SetAttributes, SizesGrowAndShrink) {
    auto file = create(alice, "f");
    write_local(local / "f", "hello");
    EXPECT_TRUE(file->set_attributes(alice, {.size = 2}));
    EXPECT_TRUE(file->set_attributes(alice, {.size = 4}));
    EXPECT_EQ(read_local(local / "f"), std::string("he\0\0", 4));
    EXPECT_EQ(error_of(root()->set_attributes(root_caller, {.size = 0})),
              std::errc::is_a_directory);
}

TEST_F(SetAttributes, ChangesByLocalProcessesAreSeenAtOnce) {
    auto file = create(alice, "f", 0644);
    for (int n = 1; n < 50; ++n) {
        std::ofstream{local / "f", std::ios::app} << 'x';
        ASSERT_EQ(file->attributes(Patience::none)->size, static_cast<std::uint64_t>(n));
        std::array<std::byte, 100> into{};
        ASSERT_EQ(file->read(alice, 0, into).value(), static_cast<std::size_t>(n));
    }
}

}  // namespace
}  // namespace berth::vfs::posix
