// SYMLINK — RFC 1813 §3.3.10. Names are in names_test.cpp.
#include "tests/nfs/making.hpp"

namespace berth::nfs {
namespace {

using namespace std::string_view_literals;

class MakeSymbolicLinkTest : public MakingTest {};

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

}  // namespace
}  // namespace berth::nfs
