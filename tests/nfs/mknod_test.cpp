// MKNOD — RFC 1813 §3.3.11. Names are in names_test.cpp.
#include "tests/nfs/making.hpp"

namespace berth::nfs {
namespace {

class MakeNodeTest : public MakingTest {};

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
