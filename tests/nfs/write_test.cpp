// WRITE — RFC 1813 §3.3.7.
#include <limits>

#include "tests/nfs/writing.hpp"

namespace berth::nfs {
namespace {

using vfs::faulty::Operation;

class WriteTest : public WritingTest {};

TEST_F(WriteTest, puts_the_data_there) {
    const auto before = attributes(file_);
    const auto ok = succeed<Write>(write_args(file_, 8, "89ab"));
    EXPECT_EQ(ok.count, 4U);
    EXPECT_EQ(ok.committed, Stable::unstable);
    expect_wcc(ok.file, before);
    EXPECT_EQ(ok.file.after->size, 12U);
    EXPECT_FALSE(ok.file.after->changed == before.changed);
    EXPECT_EQ(contents(file_), "0123456789ab");
}

TEST_F(WriteTest, of_every_small_size_arrives) {
    for (std::size_t size = 1; size <= 9; ++size) {
        const auto text = std::string("abcdefghi").substr(0, size);
        succeed<Write>(write_args(file_, 0, text));
        EXPECT_EQ(contents(file_), text + std::string("0123456789").substr(size));
        succeed<Write>(write_args(file_, 0, "0123456789"));
    }
}

TEST_F(WriteTest, leaves_holes) {
    succeed<Write>(write_args(file_, std::uint64_t{1} << 40, "x"));
    EXPECT_EQ(attributes(file_).size, (std::uint64_t{1} << 40) + 1);
    EXPECT_LT(attributes(file_).used, 1U << 20);
}

TEST_F(WriteTest, of_nothing_changes_nothing) {
    const auto before = attributes(file_);
    const auto ok = succeed<Write>(write_args(file_, 100, ""));
    EXPECT_EQ(ok.count, 0U);
    EXPECT_EQ(attributes(file_), before);
    become(1000, 1000);
    refuse<Write>(Status::access, write_args(file_, 100, ""));
}

TEST_F(WriteTest, whose_count_is_not_the_datas_is_invalid) {
    const auto before = attributes(file_);
    for (const std::uint32_t count : {0U, 3U, 5U, 0xFFFFFFFFU}) {
        auto args = write_args(file_, 0, "data");
        args.count = count;
        expect_unchanged(refuse<Write>(Status::invalid, args).file, before);
    }
    EXPECT_EQ(attributes(file_), before);
}

TEST_F(WriteTest, of_more_than_wtmax_is_short) {
    const std::uint32_t wtmax = 1U << 20;
    const std::string data(wtmax + 5, 'd');
    EXPECT_EQ(succeed<Write>(write_args(file_, 0, data)).count, wtmax);
    EXPECT_EQ(attributes(file_).size, wtmax);
}

TEST_F(WriteTest, past_what_a_file_can_hold_is_too_big) {
    const auto before = attributes(file_);
    for (const std::uint64_t offset :
         {end_max, end_max - 3, end_max + 1, std::numeric_limits<std::uint64_t>::max()})
        expect_unchanged(
            refuse<Write>(Status::file_too_big, write_args(file_, offset, "data")).file, before);
    EXPECT_EQ(attributes(file_), before);
}

TEST_F(WriteTest, into_what_is_no_file_is_invalid) {
    for (const auto& other : make_others(root())) {
        const auto now = attributes(other);
        expect_unchanged(refuse<Write>(Status::invalid, write_args(other, 0, "data")).file, now);
    }
}

TEST_F(WriteTest, by_another_clears_set_user_id) {
    const auto program = make_file(root(), "program", "text", 06777);
    become(1000, 1000);
    succeed<Write>(write_args(program, 0, "evil"));
    EXPECT_EQ(attributes(program).mode, 0777U);
}

TEST_F(WriteTest, without_permission_shows_the_file) {
    const auto now = attributes(file_);
    become(1000, 1000);
    expect_unchanged(refuse<Write>(Status::access, write_args(file_, 0, "data")).file, now);
}

TEST_F(WriteTest, is_as_durable_as_it_says) {
    EXPECT_EQ(syncs([&] { succeed<Write>(write_args(file_, 0, "data")); }), 0U);
    for (const auto* path : {"/tree", "/async"}) {
        const auto file = through(path, file_);
        for (const auto stable : {Stable::data_sync, Stable::file_sync}) {
            EXPECT_EQ(syncs([&] {
                          const auto ok = succeed<Write>(write_args(file, 0, "data", stable));
                          EXPECT_EQ(ok.committed, stable);
                      }),
                      1U);
        }
    }
}

TEST_F(WriteTest, that_cannot_be_made_durable_fails) {
    for (const auto& [error, status] : {std::pair{std::errc::io_error, Status::io},
                                        std::pair{std::errc::no_space_on_device, Status::no_space},
                                        std::pair{vfs::over_quota, Status::quota}}) {
        const auto before = attributes(file_);
        fail_all(Operation::sync, error);
        expect_wcc(refuse<Write>(status, write_args(file_, 0, "data", Stable::file_sync)).file,
                   before);
        succeed<Write>(write_args(file_, 0, "data"));
        files_->clear();
    }
}

TEST_F(WriteTest, has_one_verifier_as_long_as_nothing_is_lost) {
    const auto verifier = succeed<Write>(write_args(file_, 0, "data")).verifier;
    EXPECT_EQ(succeed<Write>(write_args(file_, 4, "data")).verifier, verifier);
    EXPECT_EQ(succeed<Write>(write_args(file_, 4, "data", Stable::file_sync)).verifier, verifier);
    EXPECT_EQ(verifier_of_commit(), verifier);
}

TEST_F(WriteTest, has_another_verifier_after_each_loss) {
    auto last = succeed<Write>(write_args(file_, 0, "data")).verifier;
    for (int i = 0; i < 3; ++i) {
        files_->lose();
        EXPECT_NE(verifier_of_commit(), last);
        last = succeed<Write>(write_args(file_, 0, "data")).verifier;
        EXPECT_EQ(verifier_of_commit(), last);
    }
}

TEST_F(WriteTest, has_another_verifier_after_a_restart) {
    Service restarted{exports_, sealer_, {.write_verifier = 2}};
    rpc::Dispatcher dispatcher;
    dispatcher.add(rpc::make_program(program, restarted));
    rpc::Client client{std::make_unique<Loopback>(dispatcher, wire_), program};
    const auto later = (*client.call<Commit>({file_})).ok()->verifier;
    EXPECT_NE(later, verifier_of_commit());
}

TEST_F(WriteTest, lost_while_it_was_written_shows_at_commit) {
    before_next(Operation::write, [&] { files_->lose(); });
    const auto verifier = succeed<Write>(write_args(file_, 0, "data")).verifier;
    EXPECT_NE(verifier_of_commit(), verifier);
}

TEST_F(WriteTest, that_may_have_been_lost_before_its_sync_is_asked_for_again) {
    before_next(Operation::sync, [&] { files_->lose(); });
    const auto before = attributes(file_);
    const auto fail =
        refuse<Write>(Status::jukebox, write_args(file_, 0, "data", Stable::file_sync));
    expect_wcc(fail.file, before);
}

TEST_F(WriteTest, that_the_disk_has_no_room_for_is_short_or_refused) {
    const vfs::memory::Options small{.capacity_bytes = 8192};
    auto files = vfs::memory::make(small);
    const exports::Exports exports{
        {exports::make_export("/small", std::move(files), {.squash = exports::Squash::none})}};
    Service service{exports, sealer_, {}};
    rpc::Dispatcher dispatcher;
    dispatcher.add(rpc::make_program(program, service));
    rpc::Client client{
        std::make_unique<Loopback>(dispatcher, wire_), program, {.flavor = rpc::AuthFlavor::sys}};
    const auto node = exports.pin()->all().front().files->root();
    const KeptHandle top = sealer_.seal(exports.pin()->all().front().id, (*node)->id()).bytes();
    const KeptHandle file = *(*client.call<Create>({.where = entry(top, "file")})).ok()->object;
    const std::string data(10'000, 'd');
    EXPECT_EQ((*client.call<Write>(write_args(file, 0, data))).ok()->count, 8192U);
    EXPECT_EQ((*client.call<Write>(write_args(file, 8192, "more"))).status(), Status::no_space);
}

}  // namespace
}  // namespace berth::nfs
