// As whom a caller acts: squashed or believed, owner or not, with its groups.
#include "tests/nfs/every_procedure.hpp"

namespace berth::nfs {
namespace {

using Ids = std::pair<std::uint32_t, std::uint32_t>;

class Identities : public ServiceTest {
protected:
    Identities() : directory_(make_directory(root(), "open", 0777)) {}

    /// uid and gid of what this caller makes in an export.
    Ids owner_of_new_file(std::string_view path) {
        const auto made = make_file(through(path, directory_), "file " + std::to_string(++count_));
        const auto seen = attributes(made);
        return {seen.uid, seen.gid};
    }

    KeptHandle directory_;

private:
    int count_ = 0;
};

TEST_F(Identities, are_believed_where_nobody_is_squashed) {
    EXPECT_EQ(owner_of_new_file("/tree"), (Ids{0, 0}));
    become(1000, 1001);
    EXPECT_EQ(owner_of_new_file("/tree"), (Ids{1000, 1001}));
}

TEST_F(Identities, of_root_are_anonymous_where_root_is_squashed) {
    EXPECT_EQ(owner_of_new_file("/squashed"), (Ids{65534, 65534}));
    become(1000, 0);
    EXPECT_EQ(owner_of_new_file("/squashed"), (Ids{1000, 65534}));
    become(1000, 1000);
    EXPECT_EQ(owner_of_new_file("/squashed"), (Ids{1000, 1000}));
}

TEST_F(Identities, of_all_are_anonymous_where_all_are_squashed) {
    become(1000, 1000);
    EXPECT_EQ(owner_of_new_file("/anonymous"), (Ids{99, 65534}));
}

TEST_F(Identities, that_claim_nothing_are_anonymous_everywhere) {
    become_nobody_known();
    EXPECT_EQ(owner_of_new_file("/tree"), (Ids{65534, 65534}));
    EXPECT_EQ(owner_of_new_file("/anonymous"), (Ids{99, 65534}));
}

TEST_F(Identities, of_minus_one_are_anonymous) {
    become(0xFFFFFFFF, 0xFFFFFFFF);
    EXPECT_EQ(owner_of_new_file("/tree"), (Ids{65534, 65534}));
}

TEST_F(Identities, include_the_groups) {
    const auto file = make_file(directory_, "of a group", "text", 0640);
    SetAttributes::Args to_group{.object = file};
    to_group.attributes.gid = 4711U;
    succeed<SetAttributes>(to_group);
    become(1000, 1000, {1, 2, 3, 4711});
    EXPECT_EQ(contents(file), "text");
    become(1000, 1000, {1, 2, 3});
    refuse<Read>(Status::access, {.file = file, .count = 4});
}

TEST_F(Identities, lose_group_0_where_root_is_squashed_and_keep_the_others) {
    const auto of_root = make_file(directory_, "of group 0", "text", 0640);
    const auto file = make_file(directory_, "of a group", "text", 0640);
    SetAttributes::Args to_group{.object = file};
    to_group.attributes.gid = 4711U;
    succeed<SetAttributes>(to_group);
    become(1000, 1000, {0, 4711});
    EXPECT_EQ(contents(of_root), "text");
    refuse<Read>(Status::access, {.file = through("/squashed", of_root), .count = 4});
    EXPECT_EQ(contents(through("/squashed", file)), "text");
}

TEST_F(Identities, do_not_matter_to_who_mounts) {
    const auto top = root();
    SetAttributes::Args closed{.object = top};
    closed.attributes.mode = 0U;
    succeed<SetAttributes>(closed);
    become_nobody_known();
    for (const auto* path : {"/tree", "/squashed", "/anonymous", "/readonly"}) {
        succeed<GetAttributes>({root(path)});
        succeed<FileSystemInfo>({root(path)});
        succeed<PathConfiguration>({root(path)});
        succeed<FileSystemStatus>({root(path)});
    }
}

TEST_F(Identities, of_owners_read_and_write_whatever_the_mode) {
    become(1000, 1000);
    const auto file = make_file(directory_, "closed", "text", 0);
    EXPECT_EQ(contents(file), "text");
    succeed<Write>({.file = file, .count = 4, .data = data_of("more")});
    EXPECT_EQ(succeed<Access>({file, 0x3F}).access, 0U);
    become(1001, 1001);
    refuse<Read>(Status::access, {.file = file, .count = 4});
    refuse<Write>(Status::access, {.file = file, .count = 4, .data = data_of("more")});
}

TEST_F(Identities, may_read_what_they_may_execute) {
    const auto file = make_file(directory_, "program", "text", 0711);
    become(1000, 1000);
    EXPECT_EQ(contents(file), "text");
    EXPECT_EQ(succeed<Access>({file, 0x3F}).access, access_execute);
}

}  // namespace
}  // namespace berth::nfs
