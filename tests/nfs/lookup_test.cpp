// LOOKUP, ACCESS, READLINK — RFC 1813 §3.3.3 to §3.3.5. Names are in names_test.cpp.
#include "tests/nfs/support.hpp"

namespace berth::nfs {
namespace {

using vfs::faulty::Operation;

class LookupTest : public ServiceTest {};
class AccessTest : public ServiceTest {
protected:
    static constexpr std::uint32_t everything = 0x3F;
    std::uint32_t granted(const KeptHandle& object, std::uint32_t asked = everything) {
        return succeed<Access>({object, asked}).access;
    }
};
class ReadLinkTest : public ServiceTest {};

TEST_F(LookupTest, gives_the_object_and_both_attributes) {
    const auto file = make_file(root(), "file", "text");
    const auto ok = succeed<Lookup>({entry(root(), "file")});
    EXPECT_EQ(KeptHandle{ok.object}, file);
    ASSERT_TRUE(ok.attributes);
    ASSERT_TRUE(ok.directory);
    const auto seen = *ok.attributes;
    const auto seen_directory = *ok.directory;
    EXPECT_EQ(seen, attributes(file));
    EXPECT_EQ(seen_directory, attributes(root()));
}

TEST_F(LookupTest, never_follows_a_link) {
    make_file(root(), "file");
    const auto link = make_link(root(), "link", "file");
    EXPECT_EQ(lookup(root(), "link"), link);
    EXPECT_EQ(attributes(link).type, FileType::symbolic_link);
}

TEST_F(LookupTest, of_nothing_shows_the_directory) {
    const auto now = attributes(root());
    const auto fail = refuse<Lookup>(Status::no_entry, {entry(root(), "nothing")});
    ASSERT_TRUE(fail.directory);
    EXPECT_EQ(*fail.directory, now);
}

TEST_F(LookupTest, needs_permission_to_search) {
    const auto closed = make_directory(root(), "closed", 0644);
    make_file(closed, "file");
    become(1000, 1000);
    refuse<Lookup>(Status::access, {entry(closed, "file")});
    refuse<Lookup>(Status::access, {entry(closed, "nothing")});
}

TEST_F(LookupTest, that_cannot_learn_attributes_goes_without) {
    const auto file = make_file(root(), "file");
    fail_all(Operation::attributes);
    const auto ok = succeed<Lookup>({entry(root(), "file")});
    EXPECT_EQ(KeptHandle{ok.object}, file);
    EXPECT_FALSE(ok.attributes);
    EXPECT_FALSE(ok.directory);
}

TEST_F(AccessTest, answers_only_what_was_asked) {
    const auto file = make_file(root(), "file", "", 0777);
    const auto directory = make_directory(root(), "directory", 0777);
    for (std::uint32_t asked = 0; asked <= everything; ++asked) {
        EXPECT_EQ(granted(file, asked) & ~asked, 0U);
        EXPECT_EQ(granted(directory, asked) & ~asked, 0U);
    }
    EXPECT_EQ(granted(file, 0), 0U);
    EXPECT_EQ(granted(file, 0xFFFFFFC0), 0U) << "bits that the protocol does not have";
}

TEST_F(AccessTest, gives_rights_that_fit_the_kind) {
    EXPECT_EQ(granted(make_file(root(), "file", "", 0777)),
              access_read | access_modify | access_extend | access_execute);
    EXPECT_EQ(granted(make_directory(root(), "directory", 0777)),
              access_read | access_lookup | access_modify | access_extend | access_delete);
}

TEST_F(AccessTest, goes_by_the_mode_bits) {
    struct Row {
        std::uint32_t mode;
        std::uint32_t of_file;
        std::uint32_t of_directory;
    };
    constexpr std::uint32_t writing = access_modify | access_extend;
    become(1000, 1000);
    const auto mine = make_directory(root(), "mine", 0777);
    int number = 0;
    for (const auto& row : {
             Row{0000, 0, 0}, Row{0400, access_read, access_read},
             Row{0200, writing, writing | access_delete}, Row{0100, access_execute, access_lookup},
             Row{0077, 0, 0},  // the owner's bits decide for the owner
         }) {
        const auto name = std::to_string(++number);
        EXPECT_EQ(granted(make_file(mine, "f" + name, "", row.mode)), row.of_file) << row.mode;
        EXPECT_EQ(granted(make_directory(mine, "d" + name, row.mode)), row.of_directory)
            << row.mode;
    }
}

TEST_F(AccessTest, of_root_does_not_execute_what_nobody_may) {
    EXPECT_EQ(granted(make_file(root(), "file", "", 0)),
              access_read | access_modify | access_extend);
    EXPECT_NE(granted(make_file(root(), "program", "", 0001)) & access_execute, 0U);
}

TEST_F(AccessTest, of_squashed_root_is_that_of_others) {
    const auto file = make_file(root(), "file", "", 0640);
    EXPECT_EQ(granted(through("/squashed", file)), 0U);
}

TEST_F(AccessTest, gives_no_changes_in_a_read_only_export) {
    EXPECT_EQ(granted(through("/readonly", make_file(root(), "file", "", 0777))),
              access_read | access_execute);
    EXPECT_EQ(granted(root("/readonly")), access_read | access_lookup);
}

TEST_F(AccessTest, shows_attributes_also_when_it_fails) {
    const auto now = attributes(root());
    const auto ok = succeed<Access>({root(), everything});
    ASSERT_TRUE(ok.attributes);
    EXPECT_EQ(*ok.attributes, now);
    fail_all(Operation::access);
    const auto fail = refuse<Access>(Status::io, {root(), everything});
    ASSERT_TRUE(fail.attributes);
    EXPECT_EQ(*fail.attributes, now);
}

TEST_F(ReadLinkTest, gives_the_text) {
    for (const std::string target : {"a", "abc", "../up/and/away", "/absolute", "a\nb"}) {
        const auto link = make_link(root(), "link", target);
        const auto ok = succeed<ReadLink>({link});
        EXPECT_EQ(ok.target.view(), target);
        ASSERT_TRUE(ok.attributes);
        EXPECT_EQ(ok.attributes->type, FileType::symbolic_link);
        EXPECT_EQ(ok.attributes->size, target.size());
        succeed<Remove>({entry(root(), "link")});
    }
}

TEST_F(ReadLinkTest, gives_long_texts) {
    const std::string target(4095, 't');
    const auto link = make_link(root(), "link", target);
    EXPECT_EQ(succeed<ReadLink>({link}).target.view(), target);
}

TEST_F(ReadLinkTest, of_anything_else_is_invalid) {
    auto others = make_others(root());
    others.erase(others.begin() + 1);  // the link
    others.push_back(make_file(root(), "file"));
    for (const auto& other : others) {
        const auto fail = refuse<ReadLink>(Status::invalid, {other});
        ASSERT_TRUE(fail.attributes);
        EXPECT_NE(fail.attributes->type, FileType::symbolic_link);
    }
}

}  // namespace
}  // namespace berth::nfs
