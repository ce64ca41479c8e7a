// With Patience::none a call answers from memory or says would_block, having changed nothing.
#include <array>
#include <csignal>
#include <cstdlib>

#include <fcntl.h>
#include <unistd.h>

#include <boost/filesystem/operations.hpp>

#include "tests/media/exported_directory.hpp"

namespace berth::vfs::posix {
namespace {

class Waiting : public ExportedDirectory {
protected:
    const Caller hasty = not_waiting(alice);
};

TEST_F(Waiting, FindAnswersFromTheCacheOnly) {
    create(alice, "f");
    const ObjectId id = lookup("f")->id();
    EXPECT_TRUE(files->find(id, Patience::none));
    open_again({});
    EXPECT_EQ(error_of(files->find(id, Patience::none)), would_block);
    EXPECT_TRUE(files->find(id, Patience::ample));
    EXPECT_TRUE(files->find(id, Patience::none));
}

TEST_F(Waiting, LookupAnswersWhatTheKernelHasInMemory) {
    auto directory = make_directory(alice, "d");
    write_local(local / "d/f", "x");
    auto file = directory->lookup(hasty, "f");
    ASSERT_TRUE(file);
    EXPECT_EQ(directory->peek(hasty, "f")->id, (*file)->id());
    EXPECT_EQ(directory->lookup(hasty, ".").value(), directory);
    EXPECT_EQ(root()->lookup(hasty, "..").value(), root());
    EXPECT_EQ(error_of(directory->lookup(hasty, "..")), would_block);
    EXPECT_EQ(error_of(directory->lookup(hasty, "a/b")), std::errc::permission_denied);
}

TEST_F(Waiting, LookupOfWhatTheKernelHasForgottenWouldBlock) {
    auto directory = make_directory(alice, "d");
    write_local(local / "d/f", "x");
    ::sync();
    write_local("/proc/sys/vm/drop_caches", "2");
    // Others use the machine too and may bring it back; a name never asked for is surely not in
    // memory.
    EXPECT_EQ(error_of(directory->lookup(hasty, "never asked for")), would_block);
    EXPECT_EQ(error_of(directory->peek(hasty, "never asked for either")), would_block);
    EXPECT_EQ(error_of(directory->lookup(alice, "never asked for")),
              std::errc::no_such_file_or_directory);
}

TEST_F(Waiting, ReadNeedsAnOpenDescriptorAndThePagesInMemory) {
    write_local(local / "f", std::string(100'000, 'x'));
    open_again({});
    auto file = lookup("f");
    std::array<std::byte, 16> into{};
    EXPECT_EQ(error_of(file->read(hasty, 0, into)), would_block);
    EXPECT_EQ(file->read(alice, 0, into).value(), 16U);
    EXPECT_EQ(file->read(hasty, 16, into).value(), 16U);
    EXPECT_EQ(file->read(hasty, 99'990, into).value(), 10U) << "short, but at the end";
    EXPECT_EQ(file->read(hasty, 100'000, into).value(), 0U);
}

TEST_F(Waiting, ReadOfWhatIsOnlyPartlyInMemoryWouldBlock) {
    write_local(local / "f", std::string(1 << 20, 'x'));
    auto file = lookup("f");
    std::array<std::byte, 65536> into{};
    EXPECT_EQ(file->read(alice, 0, into).value(), into.size());
    const int descriptor = ::open((local / "f").c_str(), O_RDWR);
    // The kernel leaves in memory what someone uses at this very moment, writing it out for
    // example.
    std::errc outcome{};
    for (int tries = 0; tries < 1000 && outcome != would_block; ++tries) {
        ASSERT_EQ(::fsync(descriptor), 0);
        ASSERT_EQ(::posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED), 0);
        outcome = error_of(file->read(hasty, 512 << 10, into));
    }
    EXPECT_EQ(outcome, would_block);
    std::array<std::byte, 1> page{};
    ASSERT_EQ(::posix_fadvise(descriptor, 0, 0, POSIX_FADV_RANDOM), 0);
    ASSERT_EQ(::pread(descriptor, page.data(), page.size(), 600 << 10), 1);
    ::close(descriptor);
    EXPECT_EQ(error_of(file->read(hasty, (600 << 10) - 4096, into)), would_block);
}

TEST_F(Waiting, AttributesAndAccessAnswerAtOnce) {
    auto file = create(alice, "f");
    EXPECT_TRUE(file->attributes(Patience::none));
    EXPECT_TRUE(file->access(hasty, may_read));
    EXPECT_TRUE(files->root(Patience::ample).value()->space(hasty));
}

TEST_F(Waiting, ALinkIsReadAtOnceTheSecondTime) {
    boost::filesystem::create_symlink("target", local / "l");
    auto link = lookup("l");
    EXPECT_EQ(error_of(link->read_link(hasty)), would_block);
    EXPECT_EQ(link->read_link(alice).value(), "target");
    EXPECT_EQ(link->read_link(hasty).value(), "target");
}

TEST_F(Waiting, WhateverChangesTheTreeWouldBlockAndChangesNothing) {
    auto file = create(alice, "f");
    auto directory = make_directory(alice, "d");
    auto top = root();
    const auto before = top->attributes(Patience::ample).value();
    const auto file_before = file->attributes(Patience::ample).value();
    const std::array<std::byte, 4> data{};
    EXPECT_EQ(error_of(file->write(hasty, 0, data)), would_block);
    EXPECT_EQ(error_of(file->set_attributes(hasty, {.mode = 0})), would_block);
    EXPECT_EQ(error_of(top->create(hasty, "g", {})), would_block);
    EXPECT_EQ(error_of(top->make_directory(hasty, "g", {})), would_block);
    EXPECT_EQ(error_of(top->make_symbolic_link(hasty, "g", "t", {})), would_block);
    EXPECT_EQ(error_of(top->make_special(hasty, "g", {})), would_block);
    EXPECT_EQ(error_of(files->link(hasty, *file, *top, "g")), would_block);
    EXPECT_EQ(error_of(top->remove(hasty, "f")), would_block);
    EXPECT_EQ(error_of(top->remove_directory(hasty, "d")), would_block);
    EXPECT_EQ(error_of(files->rename(hasty, *top, "f", *directory, "g")), would_block);
    EXPECT_EQ(error_of(top->list(hasty, 0, [](auto&) { return true; })), would_block);
    EXPECT_EQ(top->attributes(Patience::ample).value(), before);
    EXPECT_EQ(file->attributes(Patience::ample).value(), file_before);
}

TEST_F(Waiting, ADeletedFileIsLeftToWhoMayWait) {
    auto file = create(alice, "f");
    boost::filesystem::remove(local / "f");
    EXPECT_EQ(error_of(file->attributes(Patience::none)), would_block);
    EXPECT_EQ(error_of(file->attributes(Patience::ample)), stale);
}

// A local program's lease is broken, and waited for, by whoever may wait.
TEST_F(Waiting, ALeaseIsWaitedFor) {
    write_local(local / "f", "x");
    auto file = lookup("f");
    const int holder = ::open((local / "f").c_str(), O_RDONLY);
    ASSERT_EQ(::fcntl(holder, F_SETSIG, 0), 0);
    ::signal(SIGIO, SIG_IGN);
    write_local("/proc/sys/fs/lease-break-time", "1");
    ASSERT_EQ(::fcntl(holder, F_SETLEASE, F_RDLCK), 0);
    EXPECT_TRUE(file->write(root_caller, 0, std::as_bytes(std::span("y", 1))));
    write_local("/proc/sys/fs/lease-break-time", "45");
    ::close(holder);
    EXPECT_EQ(read_local(local / "f"), "y");
}

TEST_F(Waiting, AnAccessControlListIsReadByWhoMayWait) {
    write_local(local / "f", "text");
    ASSERT_EQ(std::system(("setfacl -m u:1000:r " + (local / "f")).c_str()), 0);
    open_again({});
    auto file = lookup("f");
    EXPECT_EQ(file->access(not_waiting(root_caller), may_read).value(), may_read)
        << "the owner needs none";
    EXPECT_EQ(error_of(file->access(hasty, may_read)), would_block);
    EXPECT_EQ(file->access(alice, may_read | may_write).value(), may_read);
    EXPECT_EQ(file->access(hasty, may_read | may_write).value(), may_read);

    open_again({});
    file = lookup("f");
    std::array<std::byte, 4> into{};
    EXPECT_EQ(file->read(root_caller, 0, into).value(), 4U);
    EXPECT_EQ(error_of(file->read(hasty, 0, into)), would_block);
    EXPECT_EQ(file->read(alice, 0, into).value(), 4U);
    EXPECT_EQ(file->read(hasty, 0, into).value(), 4U);
}

TEST_F(Waiting, WithoutBitsOfTheGroupThereIsNoListToRead) {
    write_local(local / "f", "text");
    ::chmod((local / "f").c_str(), 0604);
    EXPECT_EQ(lookup("f")->access(hasty, may_read | may_write).value(), may_read);
}

}  // namespace
}  // namespace berth::vfs::posix
