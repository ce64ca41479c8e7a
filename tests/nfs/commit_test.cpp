// COMMIT — RFC 1813 §3.3.21.
#include <limits>

#include "tests/nfs/writing.hpp"

namespace berth::nfs {
namespace {

using vfs::faulty::Operation;

class CommitTest : public WritingTest {};

TEST_F(CommitTest, syncs_whatever_the_range) {
    struct Range {
        std::uint64_t offset;
        std::uint32_t count;
    };
    for (const auto& range :
         {Range{0, 0}, Range{0, 10}, Range{5, 0}, Range{1000, 1000}, Range{end_max, 1},
          Range{std::numeric_limits<std::uint64_t>::max(), 0xFFFFFFFF}}) {
        EXPECT_EQ(syncs([&] {
                      const auto ok = succeed<Commit>(
                          {.file = file_, .offset = range.offset, .count = range.count});
                      ASSERT_TRUE(ok.file.after);
                      EXPECT_EQ(ok.file.after->size, 10U);
                      EXPECT_FALSE(ok.file.before) << "nothing was changed under the lock";
                  }),
                  1U);
    }
    EXPECT_EQ(syncs([&] { succeed<Commit>({through("/async", file_)}); }), 1U);
}

TEST_F(CommitTest, tells_of_errors) {
    for (const auto& [error, status] :
         {std::pair{std::errc::io_error, Status::io},
          std::pair{std::errc::no_space_on_device, Status::no_space}}) {
        fail_all(Operation::sync, error);
        EXPECT_TRUE(refuse<Commit>(status, {file_}).file.after);
        files_->clear();
    }
}

TEST_F(CommitTest, shows_what_another_sync_was_told) {
    const auto verifier = succeed<Write>(write_args(file_, 0, "data")).verifier;
    before_next(Operation::sync, [&] { files_->lose(); });
    EXPECT_NE(verifier_of_commit(), verifier);
}

TEST_F(CommitTest, is_for_files) {
    for (const auto& other : make_others(root()))
        EXPECT_TRUE(refuse<Commit>(Status::invalid, {other}).file.after);
}

}  // namespace
}  // namespace berth::nfs
