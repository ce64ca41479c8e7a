// READLINK — RFC 1813 §3.3.5.
#include "tests/nfs/support.hpp"

namespace berth::nfs {
namespace {

class ReadLinkTest : public ServiceTest {};

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
