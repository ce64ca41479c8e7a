// Owners and callers where the ids of clients stand for others on the server (`map-uid`,
// `map-gid`): what is done is seen through an export without a map.
#include "tests/nfs/every_procedure.hpp"

namespace berth::nfs {
namespace {

using Ids = std::pair<std::uint32_t, std::uint32_t>;

class MappedIds : public ServiceTest {
protected:
    MappedIds() : directory_(make_directory(root(), "open", 0777)) {}

    [[nodiscard]] KeptHandle directory() { return through("/mapped", directory_); }
    static Ids ids(const PostOpAttributes& seen) {
        return seen ? Ids{seen->uid, seen->gid} : Ids{};
    }
    Ids here(const KeptHandle& object) { return ids(attributes(through("/tree", object))); }
    Ids seen(const KeptHandle& object) { return ids(attributes(through("/mapped", object))); }
    /// A file with owners of the server.
    KeptHandle local_file(std::string_view name, std::uint32_t uid, std::uint32_t gid) {
        become_root();
        const auto file = make_file(directory_, name, "text", 0640);
        succeed<SetAttributes>({.object = file, .attributes = {.uid = uid, .gid = gid}});
        return through("/mapped", file);
    }

private:
    KeptHandle directory_;
};

TEST_F(MappedIds, are_those_of_who_calls) {
    become(1000, 1001);
    const auto file = make_file(directory(), "of a user");
    EXPECT_EQ(here(file), (Ids{101000, 101001}));
    EXPECT_EQ(seen(file), (Ids{1000, 1001}));
    become(2000, 2000);
    EXPECT_EQ(here(make_file(directory(), "of a stranger")), (Ids{98, 65534}));
    become(101000, 101000);
    EXPECT_EQ(here(make_file(directory(), "of one who guesses")), (Ids{98, 65534}));
}

TEST_F(MappedIds, are_those_of_groups) {
    const auto file = local_file("of a group", 0, 101500);
    become(1000, 1000, {5, 1500});
    EXPECT_EQ(contents(file), "text");
    become(1000, 1000, {5, 101500});
    refuse<Read>(Status::access, {.file = file, .count = 4});
}

TEST_F(MappedIds, never_look_like_others) {
    EXPECT_EQ(seen(local_file("inside", 101000, 101999)), (Ids{1000, 1999}));
    EXPECT_EQ(seen(local_file("outside", 999, 2000)), (Ids{999, 2000}));
    EXPECT_EQ(seen(local_file("alike", 1000, 1999)), (Ids{98, 65534}));
}

TEST_F(MappedIds, are_given_and_others_are_not) {
    const auto file = local_file("file", 0, 0);
    succeed<SetAttributes>({.object = file, .attributes = {.uid = 1000U, .gid = 1999U}});
    EXPECT_EQ(here(file), (Ids{101000, 101999}));
    for (const std::uint32_t id : {999U, 2000U, 101000U, 0xFFFFFFFEU}) {
        refuse<SetAttributes>(Status::invalid, {.object = file, .attributes = {.uid = id}});
        refuse<SetAttributes>(Status::invalid, {.object = file, .attributes = {.gid = id}});
    }
    EXPECT_EQ(here(file), (Ids{101000, 101999}));
}

TEST_F(MappedIds, of_new_objects_are_given_where_they_can_be) {
    const auto make = [&](std::string_view name, std::uint32_t uid, std::uint32_t gid) {
        const auto at = directory();
        return KeptHandle{*succeed<MakeDirectory>(
                               {.where = entry(at, name), .attributes = {.uid = uid, .gid = gid}})
                               .object};
    };
    EXPECT_EQ(here(make("known", 1000, 1001)), (Ids{101000, 101001}));
    EXPECT_EQ(here(make("unknown", 2000, 2001)), (Ids{0, 65534}));
}

TEST_F(MappedIds, are_in_every_reply) {
    become(1000, 1001);
    const Ids owner{1000, 1001};
    const auto at = directory();
    const auto inner = make_directory(at, "inner");
    const auto file = make_file(inner, "file", "text");
    EXPECT_EQ(ids(succeed<Access>({file, 0x3F}).attributes), owner);
    EXPECT_EQ(ids(succeed<Read>({.file = file, .count = 4}).attributes), owner);
    const auto found = succeed<Lookup>({entry(inner, "file")});
    EXPECT_EQ(ids(found.attributes), owner);
    EXPECT_EQ(ids(found.directory), owner);
    EXPECT_EQ(ids(succeed<Write>({.file = file, .count = 4, .data = data_of("more")}).file.after),
              owner);
    EXPECT_EQ(
        ids(succeed<SetAttributes>({.object = file, .attributes = {.mode = 0600U}}).object.after),
        owner);
    EXPECT_EQ(ids(succeed<Commit>({.file = file}).file.after), owner);
    EXPECT_EQ(ids(succeed<FileSystemInfo>({inner}).attributes), owner);
    const auto listed = succeed<ReadDirectoryPlus>(
        {.directory = inner, .directory_count = 4096, .count_max = 8192});
    EXPECT_EQ(ids(listed.attributes), owner);
    for (const auto& item : listed.entries.items) {
        if (item.name.view() == "..") continue;
        EXPECT_EQ(ids(item.attributes), owner) << item.name.view();
    }
    const auto made = succeed<MakeDirectory>({.where = entry(inner, "new")});
    EXPECT_EQ(ids(made.attributes), owner);
    EXPECT_EQ(ids(made.directory.after), owner);
    EXPECT_EQ(ids(succeed<Remove>({entry(inner, "file")}).directory.after), owner);
    EXPECT_EQ(ids(refuse<Remove>(Status::no_entry, {entry(inner, "file")}).directory.after), owner);
}

}  // namespace
}  // namespace berth::nfs
