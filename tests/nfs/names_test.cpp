// Names, by procedure — RFC 1813 §3.2 and what its procedures say of "." and "..".
#include "tests/nfs/every_procedure.hpp"

namespace berth::nfs {
namespace {

using namespace std::string_view_literals;

class Names : public ServiceTest {
protected:
    /// Every procedure that makes an object under a name.
    void expect_not_made(const KeptHandle& directory, Status status, std::string_view name) {
        refuse<Create>(status, {.where = entry(directory, name)});
        refuse<MakeDirectory>(status, {.where = entry(directory, name)});
        refuse<MakeSymbolicLink>(
            status, {.where = entry(directory, name), .attributes = {}, .target = "target"sv});
        refuse<MakeNode>(status, {.where = entry(directory, name),
                                  .what = MakeNode::What::make<FileType::fifo>()});
        refuse<Link>(status, {file_, entry(directory, name)});
    }
    /// Every procedure that takes a name.
    void expect_refused(const KeptHandle& directory, Status status, std::string_view name) {
        expect_not_made(directory, status, name);
        refuse<Lookup>(status, {entry(directory, name)});
        refuse<Remove>(status, {entry(directory, name)});
        refuse<RemoveDirectory>(status, {entry(directory, name)});
        refuse<Rename>(status, {entry(directory, name), entry(directory, "new")});
        refuse<Rename>(status, {entry(directory, "file"), entry(directory, name)});
    }
    const KeptHandle file_ = make_file(root(), "file");
};

TEST_F(Names, empty_are_refused) {
    expect_refused(root(), Status::access, "");
}

TEST_F(Names, with_a_slash_are_refused) {
    for (const auto name : {"/"sv, "a/b"sv, "/etc/passwd"sv, "../up"sv, "file/"sv})
        expect_refused(root(), Status::access, name);
}

TEST_F(Names, with_a_zero_byte_are_refused) {
    for (const auto name : {"\0"sv, "file\0"sv, "a\0b"sv, "\0file"sv})
        expect_refused(root(), Status::access, name);
}

TEST_F(Names, of_256_bytes_are_too_long) {
    const auto before = attributes(root());
    expect_refused(root(), Status::name_too_long, std::string(256, 'n'));
    expect_refused(root(), Status::name_too_long, std::string(65536, 'n'));
    EXPECT_EQ(attributes(root()), before);
}

TEST_F(Names, longer_than_any_are_garbage) {
    EXPECT_EQ(accepts(Lookup::id.number,
                      [] {
                          xdr::Writer writer;
                          writer.u32(0);      // handle
                          writer.u32(65537);  // name
                          writer.fixed(std::vector<std::byte>(65537));
                          return writer.flat();
                      }()),
              rpc::AcceptStatus::garbage_arguments);
}

TEST_F(Names, are_bytes) {
    const std::string longest(255, 'n');
    for (const auto& name :
         {longest, std::string{"na\xC3\xAFve"}, std::string{"na\xEFve"}, std::string{"line\nbreak"},
          std::string{"-rf"}, std::string{" "}, std::string{"..."}, std::string{"..a"},
          std::string{"\\"}, std::string{"\xFF\xFE\x01"}}) {
        const auto file = make_file(root(), name);
        EXPECT_EQ(lookup(root(), name), file);
        succeed<Rename>({entry(root(), name), entry(root(), "other")});
        succeed<Rename>({entry(root(), "other"), entry(root(), name)});
        succeed<Remove>({entry(root(), name)});
        EXPECT_FALSE(exists(root(), name));
    }
}

TEST_F(Names, of_dots_are_found) {
    const auto directory = make_directory(root(), "directory");
    EXPECT_EQ(lookup(directory, "."), directory);
    EXPECT_EQ(lookup(directory, ".."), root());
}

TEST_F(Names, of_dots_never_lead_out) {
    EXPECT_EQ(lookup(root(), ".."), root());
    EXPECT_EQ(lookup(root("/readonly"), ".."), root("/readonly"));
}

TEST_F(Names, of_dots_exist_already) {
    const auto directory = make_directory(root(), "directory");
    for (const auto name : {"."sv, ".."sv}) {
        expect_not_made(root(), Status::exists, name);
        expect_not_made(directory, Status::exists, name);
    }
}

TEST_F(Names, of_dots_are_not_removed) {
    const auto directory = make_directory(root(), "directory");
    refuse<Remove>(Status::invalid, {entry(directory, ".")});
    refuse<Remove>(Status::invalid, {entry(directory, "..")});
    refuse<RemoveDirectory>(Status::invalid, {entry(directory, ".")});
    refuse<RemoveDirectory>(Status::exists, {entry(directory, "..")});
    EXPECT_TRUE(exists(root(), "directory"));
}

TEST_F(Names, of_dots_are_not_renamed) {
    const auto directory = make_directory(root(), "directory");
    for (const auto name : {"."sv, ".."sv}) {
        refuse<Rename>(Status::invalid, {entry(directory, name), entry(root(), "new")});
        refuse<Rename>(Status::invalid, {entry(root(), "file"), entry(directory, name)});
    }
    EXPECT_TRUE(exists(root(), "file"));
}

TEST_F(Names, in_what_is_no_directory) {
    for (const auto& other : {file_, make_link(root(), "link", "."), make_fifo(root(), "fifo")}) {
        expect_refused(other, Status::not_directory, "name");
        // RFC 1813 §3.3.3 has no other answer for "." either.
        refuse<Lookup>(Status::not_directory, {entry(other, ".")});
    }
}

TEST_F(Names, refused_show_the_directory) {
    const auto now = attributes(root());
    const auto lookup = refuse<Lookup>(Status::access, {entry(root(), "")});
    ASSERT_TRUE(lookup.directory);
    EXPECT_EQ(*lookup.directory, now);
    expect_unchanged(refuse<Create>(Status::access, {.where = entry(root(), "")}).directory, now);
    const auto rename = refuse<Rename>(Status::access, {entry(root(), "a"), entry(root(), "")});
    expect_unchanged(rename.from_directory, now);
    expect_unchanged(rename.to_directory, now);
    const auto link = refuse<Link>(Status::access, {file_, entry(root(), "")});
    expect_unchanged(link.directory, now);
    ASSERT_TRUE(link.file);
    EXPECT_EQ(*link.file, attributes(file_));
}

}  // namespace
}  // namespace berth::nfs
