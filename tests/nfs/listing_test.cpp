// READDIR and READDIRPLUS alike — RFC 1813 §3.3.16, §3.3.17. Budgets over random directories are in
// listing_budget_test.cpp.
#include "tests/nfs/listing.hpp"

#include <map>

namespace berth::nfs {
namespace {

using vfs::faulty::Operation;

TEST_F(Listing, of_an_empty_directory_has_dots) {
    const auto directory = make_directory(root(), "directory");
    const auto page = list(directory);
    EXPECT_EQ(page.names, (std::vector<std::string>{".", ".."}));
    EXPECT_TRUE(page.eof);
    EXPECT_EQ(list_plus(directory).names, page.names);
}

TEST_F(Listing, at_the_root_goes_no_further_up) {
    const auto top = attributes(root()).fileid;
    for (const auto& entry : succeed<ReadDirectory>({root(), 0, {}, plenty}).entries.items)
        EXPECT_EQ(entry.fileid, top) << entry.name.view();
    const auto parent = item(root(), "..");
    EXPECT_EQ(parent.fileid, top);
    EXPECT_EQ(KeptHandle{*parent.object}, root());
}

TEST_F(Listing, gives_what_lookup_and_getattr_would) {
    make_others(root());
    make_file(root(), "file", "text");
    const auto seen = list(root());
    for (const auto& name : seen.names) {
        const auto listed = item(root(), name);
        ASSERT_TRUE(listed.attributes);
        ASSERT_TRUE(listed.object);
        const auto shown = *listed.attributes;
        const KeptHandle object = *listed.object;
        EXPECT_EQ(listed.fileid, shown.fileid);
        EXPECT_EQ(object, lookup(root(), name));
        EXPECT_EQ(attributes(object), shown);
    }
}

TEST_F(Listing, goes_on_from_every_cookie_in_both_forms) {
    for (int i = 0; i < 20; ++i) make_file(root(), std::to_string(i));
    const auto whole = list(root());
    EXPECT_EQ(list_plus(root()).names, whole.names);
    EXPECT_EQ(list_plus(root()).cookies, whole.cookies);
    for (std::size_t i = 0; i < whole.names.size(); ++i) {
        const std::vector<std::string> rest{whole.names.begin() + static_cast<long>(i) + 1,
                                            whole.names.end()};
        EXPECT_EQ(list(root(), whole.cookies[i], whole.verifier).names, rest);
        EXPECT_EQ(list_plus(root(), whole.cookies[i], whole.verifier).names, rest);
    }
}

TEST_F(Listing, has_one_verifier_for_ever) {
    const auto first = list(root());
    make_file(root(), "file");
    EXPECT_EQ(list(root()).verifier, first.verifier);
    EXPECT_EQ(list_plus(root()).verifier, first.verifier);
    EXPECT_EQ(list(make_directory(root(), "other")).verifier, first.verifier);
    // The cookie of before the change is still good.
    EXPECT_EQ(list(root(), first.cookies[1], first.verifier).names,
              (std::vector<std::string>{"file", "other"}));
}

TEST_F(Listing, takes_any_verifier_at_the_start_and_only_its_own_later) {
    const auto whole = list(root());
    Verifier wrong = whole.verifier;
    wrong[7] ^= std::byte{1};
    EXPECT_EQ(list(root(), 0, wrong).names, whole.names);
    EXPECT_EQ(list_plus(root(), 0, wrong).names, whole.names);
    EXPECT_TRUE(refuse<ReadDirectory>(Status::bad_cookie, {root(), whole.cookies[0], wrong, plenty})
                    .attributes);
    EXPECT_TRUE(refuse<ReadDirectoryPlus>(Status::bad_cookie,
                                          {root(), whole.cookies[0], wrong, plenty, plenty})
                    .attributes);
}

TEST_F(Listing, goes_on_for_clients_that_keep_no_verifier) {
    for (const auto* name : {"1", "2", "3"}) make_file(root(), name);
    const auto whole = list(root());
    for (std::size_t i = 0; i < whole.names.size(); ++i) {
        const std::vector<std::string> rest{whole.names.begin() + static_cast<long>(i) + 1,
                                            whole.names.end()};
        const auto page = list(root(), whole.cookies[i], Verifier{});
        EXPECT_EQ(page.names, rest);
        EXPECT_EQ(page.verifier, whole.verifier);
        EXPECT_EQ(list_plus(root(), whole.cookies[i], Verifier{}).names, rest);
    }
    // What was never given is refused all the same.
    refuse<ReadDirectory>(Status::bad_cookie, {root(), std::uint64_t{1} << 63, Verifier{}, plenty});
}

TEST_F(Listing, refuses_cookies_that_it_never_gave) {
    const auto verifier = list(root()).verifier;
    for (const std::uint64_t cookie : {std::uint64_t{1} << 63, ~std::uint64_t{0}}) {
        refuse<ReadDirectory>(Status::bad_cookie, {root(), cookie, verifier, plenty});
        refuse<ReadDirectoryPlus>(Status::bad_cookie, {root(), cookie, verifier, plenty, plenty});
    }
    fail_all(Operation::list, std::errc::invalid_argument);
    refuse<ReadDirectory>(Status::bad_cookie, {root(), 12345, verifier, plenty});
    refuse<ReadDirectory>(Status::invalid, {root(), 0, verifier, plenty});
}

TEST_F(Listing, meets_everything_that_stays_while_others_come_and_go) {
    for (int i = 0; i < 100; ++i) make_file(root(), "stays " + std::to_string(i));
    for (int i = 0; i < 100; ++i) make_file(root(), "goes " + std::to_string(i));
    std::map<std::string, int> met;
    std::uint64_t cookie = 0;
    Verifier verifier{};
    int round = 0;
    for (bool eof = false; !eof; ++round) {
        const auto page = round % 2 == 0 ? list(root(), cookie, verifier, 512)
                                         : list_plus(root(), cookie, verifier, 1024);
        ASSERT_TRUE(page.eof || !page.names.empty());
        for (const auto& name : page.names) ++met[name];
        if (!page.cookies.empty()) cookie = page.cookies.back();
        verifier = page.verifier;
        eof = page.eof;
        // What was just listed is removed, as rm -r does; something else is made.
        for (const auto& name : page.names)
            if (name.starts_with("goes")) succeed<Remove>({entry(root(), name)});
        if (round < 50) make_file(root(), "comes " + std::to_string(round));
    }
    for (int i = 0; i < 100; ++i) {
        EXPECT_EQ(met["stays " + std::to_string(i)], 1);
        EXPECT_EQ(met["goes " + std::to_string(i)], 1);
    }
    for (const auto& [name, times] : met) EXPECT_EQ(times, 1) << name;
}

TEST_F(Listing, of_what_is_no_directory) {
    auto others = make_others(root());
    others.erase(others.begin());
    others.push_back(make_file(root(), "file"));
    for (const auto& other : others) {
        for (const std::uint32_t count : {0U, plenty}) {
            EXPECT_TRUE(
                refuse<ReadDirectory>(Status::not_directory, {other, 0, {}, count}).attributes);
            EXPECT_TRUE(
                refuse<ReadDirectoryPlus>(Status::not_directory, {other, 0, {}, count, count})
                    .attributes);
        }
    }
}

TEST_F(Listing, needs_permission_to_read) {
    const auto closed = make_directory(root(), "closed", 0711);
    become(1000, 1000);
    EXPECT_TRUE(refuse<ReadDirectory>(Status::access, {closed, 0, {}, plenty}).attributes);
    EXPECT_TRUE(
        refuse<ReadDirectoryPlus>(Status::access, {closed, 0, {}, plenty, plenty}).attributes);
}

TEST_F(Listing, does_no_more_work_than_a_transfer) {
    std::string name(200, 'n');
    for (int i = 0; i < 300; ++i) {
        name.replace(0, 3, std::to_string(100 + i));
        ASSERT_TRUE(inner(root())->create(local_root, name, vfs::NewFile{}));
    }
    wire_.transport = rpc::Transport::udp;
    const auto page = list(root(), 0, {}, 0xFFFFFFFF);
    EXPECT_FALSE(page.eof);
    EXPECT_LT(page.names.size(), 32768U / 200);
    const auto plus = list_plus(root(), 0, {}, 0xFFFFFFFF);
    EXPECT_FALSE(plus.eof);
    EXPECT_LE(files_->calls(Operation::peek), 32768U / 200);
}

}  // namespace
}  // namespace berth::nfs
