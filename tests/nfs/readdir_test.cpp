// READDIR — RFC 1813 §3.3.16.
#include <set>

#include "tests/nfs/listing.hpp"

namespace berth::nfs {
namespace {

using vfs::faulty::Operation;

class ReadDirectoryTest : public Listing {};

TEST_F(ReadDirectoryTest, has_cookies_of_its_own) {
    const auto file = make_file(root(), "file");
    for (int i = 0; i < 20; ++i) succeed<Link>({file, entry(root(), std::to_string(i))});
    const auto page = list(root());
    const std::set<std::uint64_t> cookies{page.cookies.begin(), page.cookies.end()};
    EXPECT_EQ(cookies.size(), page.cookies.size()) << "though the file numbers are the same";
    EXPECT_FALSE(cookies.contains(0));
    EXPECT_LT(*cookies.rbegin(), std::uint64_t{1} << 63);
}

TEST_F(ReadDirectoryTest, past_the_last_entry_is_empty_and_the_end) {
    const auto whole = list(root());
    const auto page = list(root(), whole.cookies.back(), whole.verifier);
    EXPECT_TRUE(page.names.empty());
    EXPECT_TRUE(page.eof);
}

TEST_F(ReadDirectoryTest, shows_the_directory_from_before) {
    // Else a client that has the old entries would think that it knows the new ones.
    const auto before = attributes(root());
    const auto local = inner(root());
    before_next(Operation::list,
                [&] { ASSERT_TRUE(local->create(local_root, "new", vfs::NewFile{})); });
    auto ok = succeed<ReadDirectory>({root(), 0, {}, plenty});
    ASSERT_TRUE(ok.attributes);
    EXPECT_EQ(*ok.attributes, before);
    EXPECT_EQ(ok.entries.items.size(), 3U);
}

}  // namespace
}  // namespace berth::nfs
