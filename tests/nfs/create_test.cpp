// CREATE — RFC 1813 §3.3.8. Names are in names_test.cpp.
#include "tests/nfs/making.hpp"

namespace berth::nfs {
namespace {

using namespace std::string_view_literals;
using vfs::faulty::Operation;

class CreateTest : public MakingTest {};

TEST_F(CreateTest, makes_a_file) {
    const auto before = attributes(root());
    const auto made = succeed<Create>({entry(root(), "file"), unchecked(mode(0640))});
    const auto file = expect_made(made, before, FileType::regular);
    EXPECT_EQ(lookup(root(), "file"), file);
    EXPECT_EQ(attributes(file).mode, 0640U);
    EXPECT_EQ(attributes(file).size, 0U);
}

TEST_F(CreateTest, applies_the_whole_mode_asked_for) {
    const auto made = succeed<Create>({entry(root(), "file"), guarded(mode(0107777))});
    EXPECT_EQ(made.attributes->mode, 07777U);
}

TEST_F(CreateTest, applies_a_size_to_a_new_file) {
    EXPECT_EQ(succeed<Create>({entry(root(), "file"), guarded(size(100))}).attributes->size, 100U);
    refuse<Create>(Status::file_too_big,
                   {entry(root(), "other"), guarded(size(std::uint64_t{1} << 63))});
    EXPECT_FALSE(exists(root(), "other"));
}

TEST_F(CreateTest, unchecked_takes_an_existing_file_as_it_is) {
    const auto file = make_file(root(), "file", "text", 0600);
    const auto made = succeed<Create>({entry(root(), "file"), unchecked(mode(0777))});
    EXPECT_EQ(KeptHandle{*made.object}, file);
    EXPECT_EQ(contents(file), "text");
    EXPECT_EQ(attributes(file).mode, 0600U) << "only a size is applied";
}

TEST_F(CreateTest, unchecked_applies_the_size_alone_to_an_existing_file) {
    const auto file = make_file(root(), "file", "text", 0600);
    auto wanted = size(0);
    wanted.mode = 0777U;
    wanted.uid = 1000U;
    succeed<Create>({entry(root(), "file"), unchecked(wanted)});
    EXPECT_EQ(attributes(file).size, 0U);
    EXPECT_EQ(attributes(file).mode, 0600U);
    EXPECT_EQ(attributes(file).uid, 0U);
}

// As knfsd: from the object that it gets the client tells open(2) what is there (EISDIR for a
// directory), where EXIST would be told to a program that has not asked for a new file.
TEST_F(CreateTest, unchecked_takes_other_kinds_as_they_are) {
    make_others(root());
    for (const auto name : {"a directory"sv, "a link"sv, "a fifo"sv, "a socket"sv, "a device"sv}) {
        const auto there = lookup(root(), name);
        const auto before = attributes(there);
        auto wanted = size(0);
        wanted.mode = 0777U;
        const auto taken = succeed<Create>({entry(root(), name), unchecked(wanted)});
        EXPECT_EQ(KeptHandle{*taken.object}, there) << name;
        EXPECT_EQ(*taken.attributes, before) << name;
        EXPECT_EQ(attributes(there), before) << name;
        refuse<Create>(Status::exists, {entry(root(), name), guarded()});
        refuse<Create>(Status::exists, {entry(root(), name), exclusive("12345678")});
    }
}

TEST_F(CreateTest, leaves_the_owner_that_is_none) {
    auto wanted = mode(0640);
    wanted.uid = 0xFFFFFFFFU;
    wanted.gid = 0xFFFFFFFFU;
    become(1000, 1001);
    const auto here = make_directory(root(), "directory", 0777);
    const auto made = succeed<Create>({entry(here, "file"), guarded(wanted)});
    EXPECT_EQ(made.attributes->uid, 1000U);
    EXPECT_EQ(made.attributes->gid, 1001U);
    EXPECT_EQ(made.attributes->mode, 0640U);
}

TEST_F(CreateTest, guarded_takes_nothing_existing) {
    const auto file = make_file(root(), "file", "text");
    const auto before = attributes(root());
    const auto fail = refuse<Create>(Status::exists, {entry(root(), "file"), guarded(size(0))});
    expect_unchanged(fail.directory, before);
    EXPECT_EQ(contents(file), "text");
}

TEST_F(CreateTest, exclusive_happens_once_per_verifier) {
    const auto made = succeed<Create>({entry(root(), "file"), exclusive("12345678")});
    const KeptHandle file = *made.object;
    const auto again = succeed<Create>({entry(root(), "file"), exclusive("12345678")});
    EXPECT_EQ(KeptHandle{*again.object}, file);
    // Every bit of it counts.
    for (std::size_t bit = 0; bit < 64; ++bit) {
        std::string verifier = "12345678";
        verifier[bit / 8] = static_cast<char>(verifier[bit / 8] ^ (1 << (bit % 8)));
        refuse<Create>(Status::exists, {entry(root(), "file"), exclusive(verifier)});
    }
    refuse<Create>(Status::exists, {entry(root(), "file"), guarded()});
}

TEST_F(CreateTest, exclusive_does_not_take_what_was_made_otherwise) {
    make_file(root(), "file");
    refuse<Create>(Status::exists, {entry(root(), "file"), exclusive("12345678")});
    refuse<Create>(Status::exists, {entry(root(), "file"), exclusive("")});
}

TEST_F(CreateTest, exclusive_is_closed_to_others_until_its_attributes_are_set) {
    const auto made = succeed<Create>({entry(root(), "file"), exclusive("12345678")});
    EXPECT_EQ(made.attributes->mode & 0077, 0U);
}

TEST_F(CreateTest, refuses_impossible_times) {
    NewAttributes wanted;
    wanted.modified = NewTime::make<TimeHow::client_time>({1, 1'000'000'000});
    const auto before = attributes(root());
    expect_unchanged(
        refuse<Create>(Status::invalid, {entry(root(), "file"), guarded(wanted)}).directory,
        before);
    EXPECT_FALSE(exists(root(), "file"));
}

TEST_F(CreateTest, needs_permission_to_write_the_directory) {
    const auto closed = make_directory(root(), "closed", 0755);
    const auto now = attributes(closed);
    become(1000, 1000);
    expect_unchanged(refuse<Create>(Status::access, {entry(closed, "file")}).directory, now);
    refuse<MakeDirectory>(Status::access, {entry(closed, "directory")});
    refuse<MakeSymbolicLink>(Status::access, {entry(closed, "link"), {}, "target"sv});
    refuse<MakeNode>(Status::access,
                     {entry(closed, "fifo"), MakeNode::What::make<FileType::fifo>()});
}

TEST_F(CreateTest, is_durable_unless_the_export_is_async) {
    EXPECT_GE(syncs([&] { succeed<Create>({entry(root(), "file")}); }), 2U);
    EXPECT_GE(syncs([&] { succeed<MakeDirectory>({entry(root(), "directory")}); }), 1U);
    EXPECT_EQ(syncs([&] {
                  succeed<Create>({entry(root("/async"), "async file")});
                  succeed<MakeDirectory>({entry(root("/async"), "async directory")});
              }),
              0U);
}

TEST_F(CreateTest, that_cannot_be_made_durable_fails_and_shows_the_change) {
    const auto before = attributes(root());
    fail_all(Operation::sync, std::errc::no_space_on_device);
    const auto fail = refuse<Create>(Status::no_space, {entry(root(), "file")});
    expect_wcc(fail.directory, before);
    EXPECT_FALSE(fail.directory.after->changed == before.changed);
}

}  // namespace
}  // namespace berth::nfs
