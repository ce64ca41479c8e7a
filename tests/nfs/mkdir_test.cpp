// MKDIR — RFC 1813 §3.3.9. Names are in names_test.cpp.
#include "tests/nfs/making.hpp"

namespace berth::nfs {
namespace {

using namespace std::string_view_literals;

class MakeDirectoryTest : public MakingTest {};

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

}  // namespace
}  // namespace berth::nfs
