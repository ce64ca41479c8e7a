// The table from the system's errors to the protocol's — RFC 1813 §2.6.
#include "nfs/status.hpp"

#include <cerrno>

#include <gtest/gtest.h>

#include "nfs/vfs/result.hpp"
#include "rpc/arena.hpp"

namespace berth::nfs {
namespace {

Status of(int number) {
    return to_status(static_cast<std::errc>(number));
}

TEST(StatusTable, has_the_protocols_own_numbers) {
    const auto number = [](int error) { return static_cast<std::uint32_t>(of(error)); };
    EXPECT_EQ(number(EPERM), 1U);
    EXPECT_EQ(number(ENOENT), 2U);
    EXPECT_EQ(number(EIO), 5U);
    EXPECT_EQ(number(ENXIO), 6U);
    EXPECT_EQ(number(EACCES), 13U);
    EXPECT_EQ(number(EEXIST), 17U);
    EXPECT_EQ(number(EXDEV), 18U);
    EXPECT_EQ(number(ENODEV), 19U);
    EXPECT_EQ(number(ENOTDIR), 20U);
    EXPECT_EQ(number(EISDIR), 21U);
    EXPECT_EQ(number(EINVAL), 22U);
    EXPECT_EQ(number(EFBIG), 27U);
    EXPECT_EQ(number(ENOSPC), 28U);
    EXPECT_EQ(number(EROFS), 30U);
    EXPECT_EQ(number(EMLINK), 31U);
    // These four are other numbers in Linux.
    EXPECT_EQ(number(ENAMETOOLONG), 63U);
    EXPECT_EQ(number(ENOTEMPTY), 66U);
    EXPECT_EQ(number(EDQUOT), 69U);
    EXPECT_EQ(number(ESTALE), 70U);
    EXPECT_EQ(number(EOPNOTSUPP), 10004U);
    EXPECT_EQ(number(ENOSYS), 10004U);
    EXPECT_EQ(static_cast<std::uint32_t>(to_status(vfs::bad_handle)), 10001U);
}

TEST(StatusTable, finds_the_nearest_for_what_has_no_number) {
    EXPECT_EQ(of(EBUSY), Status::access);
    EXPECT_EQ(of(ETXTBSY), Status::access);
    EXPECT_EQ(of(ELOOP), Status::invalid);
    EXPECT_EQ(of(EILSEQ), Status::invalid);
    EXPECT_EQ(of(EUCLEAN), Status::io);
    EXPECT_EQ(of(ETIMEDOUT), Status::io);
    EXPECT_EQ(of(ENOMEM), Status::jukebox);
    EXPECT_EQ(of(EMFILE), Status::jukebox);
    EXPECT_EQ(of(EBADF), Status::server_fault) << "a mistake of ours";
}

TEST(StatusTable, has_a_valid_status_for_every_error) {
    for (int error = 1; error < 4096; ++error) {
        EXPECT_TRUE(is_valid(of(error))) << error;
        EXPECT_NE(of(error), Status::ok) << error;
    }
}

TEST(Failing, defers_what_would_block_if_it_may_not) {
    rpc::Arena memory;
    rpc::Call call{memory};
    call.where = rpc::Where::network_thread;
    static_cast<void>(fail(call, vfs::would_block));
    EXPECT_TRUE(call.deferred);
}

TEST(Failing, asks_to_try_again_where_blocking_is_no_reason) {
    rpc::Arena memory;
    rpc::Call call{memory};
    EXPECT_EQ(fail(call, vfs::would_block), Status::jukebox);
    EXPECT_FALSE(call.deferred);
    EXPECT_TRUE(call.reply_forgotten);
}

TEST(Failing, forgets_no_other_reply) {
    for (int error = 1; error < 4096; ++error) {
        rpc::Arena memory;
        rpc::Call call{memory};
        const auto status = fail(call, static_cast<std::errc>(error));
        EXPECT_EQ(call.reply_forgotten, status == Status::jukebox) << error;
        EXPECT_FALSE(call.deferred);
    }
}

TEST(Failing, asks_for_no_repetition_of_what_was_done) {
    for (int error = 1; error < 4096; ++error) {
        const auto status = of(error);
        EXPECT_EQ(fail_after_change(static_cast<std::errc>(error)),
                  status == Status::jukebox ? Status::io : status)
            << error;
    }
}

}  // namespace
}  // namespace berth::nfs
