// Symbolic links in the path that a client mounts: followed as far as they lead to what is exported
// to it.
#include <string>

#include "mount/way.hpp"
#include "tests/mount/fixture.hpp"

namespace berth::mount {
namespace {

class MountThroughLinks : public MountService {
protected:
    void link(std::string_view name, std::string_view target) {
        const auto root = outer->root().value();
        root->make_symbolic_link(root_user, name, target, {}).value();
    }
    void link_in_deep(std::string_view name, std::string_view target) {
        const auto deep = outer->find(id({"open", "deep"}), vfs::Patience::ample).value();
        deep->make_symbolic_link(root_user, name, target, {}).value();
    }
    void expect_leads(std::string_view path, std::initializer_list<std::string_view> way) {
        EXPECT_EQ(handle(path).object, id(way)) << path;
    }
};

TEST_F(MountThroughLinks, RelativeOnesAreFollowed) {
    expect_leads("/srv/link", {"open"});
    expect_leads("/srv/link/deep", {"open", "deep"});
    link("through", "./link//deep/");
    expect_leads("/srv/through", {"open", "deep"});
    link_in_deep("up", "../../closed/deep");
    expect_leads("/srv/open/deep/up", {"closed", "deep"});
    expect_leads("/srv/through/up", {"closed", "deep"});
    link_in_deep("here", ".");
    expect_leads("/srv/open/deep/here/here/up", {"closed", "deep"});
}

TEST_F(MountThroughLinks, AParentIsThatOfTheLinksTarget) {
    // link is open, so link/deep/../.. is the root of the export and not /srv/link's.
    link("round", "link/deep/../../closed");
    expect_leads("/srv/round", {"closed"});
    link("far", "open/deep");
    link("beside", "far/../deep");
    expect_leads("/srv/beside", {"open", "deep"});
}

TEST_F(MountThroughLinks, AbsoluteOnesAreFollowed) {
    link("whole", "/srv/open/deep");
    expect_leads("/srv/whole", {"open", "deep"});
    link("below", "/srv/link");
    expect_leads("/srv/below/deep", {"open", "deep"});
    link("dots", "/../srv/../srv/open");
    expect_leads("/srv/dots", {"open"});
}

TEST_F(MountThroughLinks, AnotherExportIsEntered) {
    link("other", "inner/below");
    link("above", "../../srv/inner");
    for (const auto* path : {"/srv/other", "/srv/above/below"}) {
        const auto found = handle(path);
        EXPECT_EQ(found.export_id, exports::make_export("/srv/inner", inner).id) << path;
        EXPECT_EQ(found.object, inner->root().value()->lookup(root_user, "below").value()->id());
    }
}

TEST_F(MountThroughLinks, WhatIsNotForThisClientStaysClosed) {
    link("other", "/srv/inner/below");
    link("missing there", "/srv/inner/missing");
    export_all("/srv *(insecure)\n/srv/inner 192.0.2.9(insecure)\n");
    // Within /srv there is nothing of that name; the other tree is not looked at.
    EXPECT_EQ(status("/srv/other"), Status::no_entry);
    EXPECT_EQ(status("/srv/missing there"), Status::no_entry);
    export_all("/srv 192.0.2.9(insecure)\n/srv/inner *(insecure)\n");
    EXPECT_EQ(status("/srv/link"), Status::access_denied);
    EXPECT_EQ(status("/srv/other"), Status::access_denied);
}

TEST_F(MountThroughLinks, WhatLeadsOutIsDeniedWhetherThereOrNot) {
    for (const auto* target : {"/", "/etc", "/no/such", "..", "../..", "../../etc/passwd",
                               "open/../../etc", "/srv/../etc", "/srvx"}) {
        SCOPED_TRACE(target);
        const auto root = outer->root().value();
        root->make_symbolic_link(root_user, "leads out", target, {}).value();
        EXPECT_EQ(status("/srv/leads out"), Status::access_denied);
        EXPECT_EQ(status("/srv/leads out/deep"), Status::access_denied);
        ASSERT_TRUE(root->remove(root_user, "leads out"));
    }
}

TEST_F(MountThroughLinks, WhatIsMissingOrNoDirectoryAtTheEndIsSaid) {
    link("dangling", "missing/deep");
    EXPECT_EQ(status("/srv/dangling"), Status::no_entry);
    link("to file", "file");
    EXPECT_EQ(status("/srv/to file"), Status::not_a_directory);
    EXPECT_EQ(status("/srv/to file/deep"), Status::not_a_directory);
    // Each name before a ".." must be there.
    link("past", "missing/../open");
    EXPECT_EQ(status("/srv/past"), Status::no_entry);
    link("past file", "file/../open");
    EXPECT_EQ(status("/srv/past file"), Status::not_a_directory);
}

TEST_F(MountThroughLinks, LoopsEnd) {
    link("self", "self");
    link("a", "/srv/b/x");
    link("b", "a");
    link("growing", "growing/growing");
    for (const auto* path : {"/srv/self", "/srv/a", "/srv/b/deep", "/srv/growing"})
        EXPECT_EQ(status(path), Status::not_a_directory) << path;
    for (int i = 0; i < 41; ++i) link("l" + std::to_string(i + 1), "l" + std::to_string(i));
    link("l0", "open");
    EXPECT_EQ(status("/srv/l39"), Status::ok) << "40 links";
    EXPECT_EQ(status("/srv/l40"), Status::not_a_directory);
}

TEST_F(MountThroughLinks, PathsAndWorkAreBounded) {
    std::string zigzag;
    for (int i = 0; i < 450; ++i) zigzag += "open/../";
    link("zigzag", zigzag);
    EXPECT_EQ(status("/srv/zigzag"), Status::not_a_directory);
    link("long", std::string(4000, '/') + "srv/open");
    EXPECT_EQ(status("/srv/long"), Status::ok);
    std::string wide;
    for (int i = 0; i < 800; ++i) wide += "wide/";
    link("wide", wide);
    EXPECT_EQ(status("/srv/wide/" + std::string(900, 'x')), Status::name_too_long);
}

TEST_F(MountThroughLinks, TheListShowsWhatWasAsked) {
    EXPECT_EQ(status("/srv//link/"), Status::ok);
    ASSERT_EQ(mounts.all().size(), 1U);
    EXPECT_EQ(mounts.all().front().directory, "/srv/link");
    caller(3).call<Unmount>({std::string_view{"/srv/link"}});
    EXPECT_TRUE(mounts.all().empty());
}

TEST_F(MountThroughLinks, AnExportIsRenewedBeforeItIsEntered) {
    std::vector<std::string> asked;
    vfs::Result<void> answer;
    const std::shared_ptr<vfs::FileSystem> next = vfs::memory::make();
    Services renewing{exports, sealer, mounts, [&](const std::string& path) {
                          asked.push_back(path);
                          if (path == "/srv/inner")
                              exports.replace({exports::make_export("/srv", outer),
                                               exports::make_export("/srv/inner", next)});
                          return answer;
                      }};
    test::Caller asking{renewing.programs().at(2)};
    asking.from = endpoint("192.0.2.7", 700);
    const auto result = asking.call<Mount>({std::string_view{"/srv/inner"}});
    const auto* ok = result.get_if<Status::ok>();
    ASSERT_NE(ok, nullptr);
    EXPECT_EQ(sealer.open(ok->handle.bytes()).value().object, next->root().value()->id());
    EXPECT_EQ(asked, (std::vector<std::string>{"/srv/inner"}));
    answer = std::errc::no_such_file_or_directory;
    EXPECT_EQ(asking.call<Mount>({std::string_view{"/srv/open"}}).discriminant(), Status::no_entry);
    EXPECT_EQ(asking.call<Mount>({std::string_view{"/etc"}}).discriminant(), Status::access_denied);
    EXPECT_EQ(asked.size(), 2U) << "not for what is not exported";
}

TEST(Way, FollowsText) {
    Way way{"/srv/./a//b/"};
    EXPECT_EQ(way.head(), "srv/a/b");
    EXPECT_FALSE(way.goes_up());
    EXPECT_TRUE(way.follow(1, "x/../y"));
    EXPECT_EQ(way.head(), "srv/x");
    EXPECT_TRUE(way.goes_up());
    way.go_up();
    EXPECT_EQ(way.head(), "srv/y/b");
    EXPECT_TRUE(way.follow(2, "/z"));
    EXPECT_EQ(way.head(), "z");
    EXPECT_TRUE(way.follow(0, "../.."));
    EXPECT_EQ(way.head(), "");
    way.go_up();
    way.go_up();
    EXPECT_EQ(way.head(), "");
    EXPECT_FALSE(way.goes_up());
}

}  // namespace
}  // namespace berth::mount
