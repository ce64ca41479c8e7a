// ACCESS — RFC 1813 §3.3.4.
#include "tests/nfs/support.hpp"

namespace berth::nfs {
namespace {

using vfs::faulty::Operation;

class AccessTest : public ServiceTest {
protected:
    static constexpr std::uint32_t everything = 0x3F;
    std::uint32_t granted(const KeptHandle& object, std::uint32_t asked = everything) {
        return succeed<Access>({object, asked}).access;
    }
};

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

}  // namespace
}  // namespace berth::nfs
