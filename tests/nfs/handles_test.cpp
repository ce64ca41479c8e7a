// What every procedure answers to a handle that leads nowhere, or into an export that refuses.
#include "tests/nfs/every_procedure.hpp"

namespace berth::nfs {
namespace {

class Handles : public ServiceTest {
protected:
    /// Each procedure answers this status, and a failure arm without attributes that decodes.
    void expect_everywhere(Status status, const KeptHandle& handle) {
        with_every_procedure(handle, [&]<class Procedure>(const typename Procedure::Args& args) {
            EXPECT_EQ(call<Procedure>(args).status(), status) << Procedure::id.name;
        });
    }
    KeptHandle sealed(std::uint32_t export_id, std::span<const std::byte> object) {
        return sealer_.seal(exports::ExportId{export_id}, vfs::ObjectId{object}).bytes();
    }
};

TEST_F(Handles, of_no_bytes_is_bad) {
    expect_everywhere(Status::bad_handle, {});
}

TEST_F(Handles, made_up_is_bad) {
    std::array<std::byte, 64> bytes{};
    expect_everywhere(Status::bad_handle, KeptHandle{bytes});
    bytes.fill(std::byte{0xFF});
    expect_everywhere(Status::bad_handle, KeptHandle{bytes});
}

TEST_F(Handles, with_any_bit_changed_is_bad) {
    const auto good = root();
    const auto size = FileHandle{good}.size();
    for (std::size_t bit = 0; bit < size * 8; ++bit) {
        auto handle = good;
        handle.bytes()[bit / 8] ^= std::byte{1} << (bit % 8);
        // Some first bytes are those of other versions.
        const auto version = handle.bytes()[0];
        const bool is_other = bit < 8 && version != std::byte{0} && version < std::byte{16};
        refuse<GetAttributes>(is_other ? Status::stale : Status::bad_handle, {handle});
    }
}

// Sealed before the server was replaced by this one.
TEST_F(Handles, of_an_older_version_is_stale) {
    std::array<std::byte, 17> bytes{std::byte{1}, std::byte{3}};
    expect_everywhere(Status::stale, KeptHandle{bytes});
}

TEST_F(Handles, cut_or_extended_is_bad) {
    const auto good = root();
    for (std::size_t size = 0; size < FileHandle{good}.size(); ++size) {
        auto handle = good;
        handle.bytes().resize(size);
        refuse<GetAttributes>(Status::bad_handle, {handle});
    }
    auto handle = good;
    handle.bytes().push_back(std::byte{0});
    refuse<GetAttributes>(Status::bad_handle, {handle});
}

TEST_F(Handles, sealed_with_another_key_is_bad) {
    const exports::HandleSealer other{exports::HandleKey::random()};
    const auto object = (*files_->root())->id();
    const auto id = exports_.pin()->matches("/tree").front().found->id;
    expect_everywhere(Status::bad_handle, other.seal(id, object).bytes());
}

TEST_F(Handles, of_an_object_that_this_file_system_never_names_so_is_bad) {
    const auto id = static_cast<std::uint32_t>(exports_.pin()->matches("/tree").front().found->id);
    expect_everywhere(Status::stale, sealed(id, std::array<std::byte, 3>{}));
}

TEST_F(Handles, of_an_export_that_is_no_more_is_stale) {
    expect_everywhere(Status::stale, sealed(12345, (*files_->root())->id().bytes()));
}

TEST_F(Handles, of_a_removed_object_is_stale) {
    expect_everywhere(Status::stale, gone());
}

TEST_F(Handles, more_than_64_bytes_are_garbage) {
    xdr::Writer writer;
    writer.u32(65);
    for (int i = 0; i < 17; ++i) writer.u32(0);
    EXPECT_EQ(accepts(GetAttributes::id.number, writer.flat()),
              rpc::AcceptStatus::garbage_arguments);
}

TEST_F(Handles, stay_good_when_the_object_is_renamed) {
    const auto file = make_file(root(), "old", "text");
    const auto directory = make_directory(root(), "directory");
    succeed<Rename>({entry(root(), "old"), entry(directory, "new")});
    EXPECT_EQ(contents(file), "text");
    EXPECT_EQ(lookup(directory, "new"), file);
}

TEST_F(Handles, second_one_of_rename_shows_the_first_directory) {
    const auto before = attributes(root());
    const auto fail = refuse<Rename>(Status::stale, {entry(root(), "a"), entry(gone(), "b")});
    ASSERT_TRUE(fail.from_directory.after);
    EXPECT_EQ(fail.from_directory.after->fileid, before.fileid);
    EXPECT_FALSE(fail.to_directory.after);
}

TEST_F(Handles, second_one_of_link_shows_the_file) {
    const auto file = make_file(root(), "file");
    const auto fail = refuse<Link>(Status::stale, {file, entry(gone(), "b")});
    ASSERT_TRUE(fail.file);
    EXPECT_EQ(*fail.file, attributes(file));
    EXPECT_FALSE(fail.directory.after);
}

TEST_F(Handles, read_only_exports_refuse_every_change) {
    const auto file = make_file(root(), "name", "text");
    const auto directory = root("/readonly");
    with_every_change(directory, directory,
                      [&]<class Procedure>(const typename Procedure::Args& args) {
                          refuse<Procedure>(Status::read_only, args);
                      });
    const auto fail =
        refuse<Write>(Status::read_only,
                      {.file = through("/readonly", file), .count = 4, .data = data_of("more")});
    ASSERT_TRUE(fail.file.after);
    EXPECT_EQ(fail.file.after->size, 4U);
    EXPECT_EQ(contents(through("/readonly", file)), "text");
    succeed<Commit>({through("/readonly", file)});
    // The error in a name is of no interest where nothing can be made.
    refuse<Create>(Status::read_only, {.where = entry(directory, "")});
}

TEST_F(Handles, every_change_refused_shows_the_object) {
    const auto directory = root("/readonly");
    const auto now = attributes(directory);
    expect_unchanged(refuse<SetAttributes>(Status::read_only, {directory}).object, now);
    expect_unchanged(refuse<Remove>(Status::read_only, {entry(directory, "a")}).directory, now);
    const auto rename =
        refuse<Rename>(Status::read_only, {entry(directory, "a"), entry(directory, "b")});
    expect_unchanged(rename.from_directory, now);
    expect_unchanged(rename.to_directory, now);
    const auto link = refuse<Link>(Status::read_only, {directory, entry(directory, "b")});
    expect_unchanged(link.directory, now);
    ASSERT_TRUE(link.file);
    EXPECT_EQ(*link.file, now);
}

TEST_F(Handles, between_exports_nothing_is_renamed_or_linked) {
    const auto file = make_file(root(), "file");
    const auto rename =
        refuse<Rename>(Status::cross_device, {entry(root(), "file"), entry(root("/other"), "new")});
    expect_unchanged(rename.from_directory, attributes(root()));
    expect_unchanged(rename.to_directory, attributes(root("/other")));
    refuse<Link>(Status::cross_device, {file, entry(root("/other"), "new")});
    // Two exports of one tree are two.
    refuse<Link>(Status::cross_device, {file, entry(root("/async"), "new")});
    EXPECT_TRUE(exists(root(), "file"));
    EXPECT_FALSE(exists(root("/other"), "new"));
}

TEST_F(Handles, exports_have_each_their_own_fsid_for_all_their_objects) {
    const auto file = make_file(root(), "file");
    EXPECT_EQ(attributes(file).fsid, attributes(root()).fsid);
    EXPECT_EQ(attributes(file).fsid, exports_.pin()->matches("/tree").front().found->fsid);
    EXPECT_NE(attributes(root()).fsid, attributes(root("/other")).fsid);
}

}  // namespace
}  // namespace berth::nfs
