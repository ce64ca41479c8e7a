// CREATE, MKDIR, SYMLINK, MKNOD — RFC 1813 §3.3.8 to §3.3.11. Names are in names_test.cpp.
#include "tests/nfs/support.hpp"

namespace berth::nfs {
namespace {

using namespace std::string_view_literals;
using vfs::faulty::Operation;

NewAttributes mode(std::uint32_t bits) {
    NewAttributes attributes;
    attributes.mode = bits;
    return attributes;
}

class CreateTest : public ServiceTest {
protected:
    static Create::How unchecked(const NewAttributes& attributes = {}) {
        return Create::How::make<CreateMode::unchecked>(attributes);
    }
    static Create::How guarded(const NewAttributes& attributes = {}) {
        return Create::How::make<CreateMode::guarded>(attributes);
    }
    static Create::How exclusive(std::string_view verifier) {
        Verifier bytes{};
        std::ranges::copy(data_of(verifier), bytes.begin());
        return Create::How::make<CreateMode::exclusive>(bytes);
    }
    static NewAttributes size(std::uint64_t bytes) {
        NewAttributes attributes;
        attributes.size = bytes;
        return attributes;
    }

    /// Expects what the four answer to success, and gives the object.
    KeptHandle expect_made(const Created& made, const Attributes& directory_before, FileType type) {
        expect_wcc(made.directory, directory_before);
        EXPECT_FALSE(made.directory.after->changed == directory_before.changed);
        EXPECT_TRUE(made.object);
        EXPECT_TRUE(made.attributes);
        if (!made.object || !made.attributes) return {};
        EXPECT_EQ(made.attributes->type, type);
        const auto shown = *made.attributes;
        const KeptHandle object = *made.object;
        EXPECT_EQ(attributes(object), shown);
        return object;
    }
};
class MakeDirectoryTest : public CreateTest {};
class MakeSymbolicLinkTest : public CreateTest {};
class MakeNodeTest : public CreateTest {};

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

TEST_F(MakeDirectoryTest, makes_a_directory) {
    const auto before = attributes(root());
    const auto made = succeed<MakeDirectory>({entry(root(), "directory"), mode(0750)});
    const auto directory = expect_made(made, before, FileType::directory);
    EXPECT_EQ(attributes(directory).mode, 0750U);
    EXPECT_EQ(attributes(directory).links, 2U);
    EXPECT_EQ(attributes(root()).links, before.links + 1);
}

TEST_F(MakeDirectoryTest, does_not_look_at_a_size) {
    succeed<MakeDirectory>({entry(root(), "directory"), size(100)});
}

TEST_F(MakeDirectoryTest, takes_nothing_existing) {
    make_others(root());
    make_file(root(), "file");
    for (const auto name : {"file"sv, "a directory"sv, "a link"sv, "a fifo"sv})
        refuse<MakeDirectory>(Status::exists, {entry(root(), name)});
}

TEST_F(MakeSymbolicLinkTest, makes_a_link) {
    const auto before = attributes(root());
    const auto made = succeed<MakeSymbolicLink>({entry(root(), "link"), mode(0600), "../target"sv});
    const auto link = expect_made(made, before, FileType::symbolic_link);
    EXPECT_EQ(succeed<ReadLink>({link}).target.view(), "../target");
}

TEST_F(MakeSymbolicLinkTest, does_not_look_at_a_size) {
    succeed<MakeSymbolicLink>({entry(root(), "link"), size(100), "target"sv});
}

TEST_F(MakeSymbolicLinkTest, refuses_targets_that_no_link_can_hold) {
    const auto before = attributes(root());
    const auto refuse_target = [&](Status status, std::string_view target) {
        const auto fail = refuse<MakeSymbolicLink>(status, {entry(root(), "link"), {}, target});
        expect_unchanged(fail.directory, before);
    };
    refuse_target(Status::access, "a\0b"sv);
    refuse_target(Status::no_entry, "");
    refuse_target(Status::name_too_long, std::string(4096, 't'));
    refuse_target(Status::name_too_long, std::string(65536, 't'));
    EXPECT_EQ(attributes(root()), before);
}

TEST_F(MakeSymbolicLinkTest, takes_nothing_existing) {
    make_file(root(), "file");
    refuse<MakeSymbolicLink>(Status::exists, {entry(root(), "file"), {}, "target"sv});
}

TEST_F(MakeNodeTest, makes_each_kind) {
    struct Row {
        MakeNode::What what;
        FileType type;
    };
    int number = 0;
    for (const auto& row :
         {Row{MakeNode::What::make<FileType::fifo>(mode(0600)), FileType::fifo},
          Row{MakeNode::What::make<FileType::socket>(mode(0600)), FileType::socket},
          Row{MakeNode::What::make<FileType::block_device>({mode(0600), {8, 17}}),
              FileType::block_device},
          Row{MakeNode::What::make<FileType::character_device>({mode(0600), {1, 0xFFFFF}}),
              FileType::character_device}}) {
        const auto name = std::to_string(++number);
        const auto before = attributes(root());
        const auto object =
            expect_made(succeed<MakeNode>({entry(root(), name), row.what}), before, row.type);
        EXPECT_EQ(attributes(object).mode, 0600U);
    }
    EXPECT_EQ(attributes(lookup(root(), "3")).device.minor, 17U);
    EXPECT_EQ(attributes(lookup(root(), "4")).device.major, 1U);
    EXPECT_EQ(attributes(lookup(root(), "4")).device.minor, 0xFFFFFU);
}

TEST_F(MakeNodeTest, of_the_kinds_that_have_their_own_procedure_is_a_bad_type) {
    const auto now = attributes(root());
    for (const auto type : {FileType::regular, FileType::directory, FileType::symbolic_link}) {
        const auto fail = refuse<MakeNode>(
            Status::bad_type, {entry(root(), "node"), MakeNode::What::otherwise(type)});
        expect_unchanged(fail.directory, now);
    }
    EXPECT_FALSE(exists(root(), "node"));
}

TEST_F(MakeNodeTest, of_a_type_that_the_protocol_does_not_have_is_garbage) {
    for (const std::uint32_t type : {0U, 8U, 0xFFFFFFFFU}) {
        xdr::Writer writer;
        xdr::encode(writer, entry(root(), "node"));
        writer.u32(type);
        EXPECT_EQ(accepts(MakeNode::id.number, writer.flat()),
                  rpc::AcceptStatus::garbage_arguments);
    }
}

TEST_F(MakeNodeTest, lets_only_root_make_devices) {
    const auto open = make_directory(root(), "open", 0777);
    become(1000, 1000);
    refuse<MakeNode>(Status::not_owner,
                     {entry(open, "device"), MakeNode::What::make<FileType::block_device>()});
    refuse<MakeNode>(Status::not_owner,
                     {entry(open, "device"), MakeNode::What::make<FileType::character_device>()});
    succeed<MakeNode>({entry(open, "fifo"), MakeNode::What::make<FileType::fifo>()});
    succeed<MakeNode>({entry(open, "socket"), MakeNode::What::make<FileType::socket>()});
}

TEST_F(MakeNodeTest, takes_nothing_existing) {
    make_file(root(), "file");
    refuse<MakeNode>(Status::exists,
                     {entry(root(), "file"), MakeNode::What::make<FileType::fifo>()});
}

}  // namespace
}  // namespace berth::nfs
