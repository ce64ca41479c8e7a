// What the log says about mounts: who, what, which entry, and why not.
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nfs/exports/reasons.hpp"
#include "tests/mount/fixture.hpp"
#include "tests/support/logged.hpp"

namespace berth::mount {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class MountLog : public MountService {
protected:
    /// What one MNT has logged.
    std::vector<std::string> said(std::string_view path, const char* address = "192.0.2.7",
                                  std::uint16_t port = 700, std::uint32_t version = 3) {
        const test::Logged logged;
        auto asking = caller(version);
        asking.from = endpoint(address, port);
        asking.invoke(Mount::id.number, test::encoded(xdr::String<>{path}));
        return logged.lines();
    }
    /// From now on /srv is exported as DIR is.
    void export_by_command_line(std::string_view place) {
        exports::ClientRule rule;
        rule.client = {.kind = exports::ClientKind::network,
                       .name = {},
                       .network =
                           exports::ClientNetwork::of(*exports::ClientAddress::parse("192.0.2.0"),
                                                      exports::ClientNetwork::bits_before_v4 + 24)};
        rule.where.file = place;
        exports.replace({exports::make_export("/srv", outer, std::vector{rule})});
    }
};

TEST_F(MountLog, AnAcceptedMountNamesTheEntry) {
    export_all("/srv 192.0.2.0/24 *\n");
    EXPECT_THAT(said("/srv/open"),
                ElementsAre("info: mount by 192.0.2.7 of '/srv/open' accepted: the "
                            "entry 192.0.2.0/24 of /srv (exports:1:6) decides"));
    export_by_command_line(exports::place_of_default_clients);
    EXPECT_THAT(
        said("/srv"),
        ElementsAre("info: mount by 192.0.2.7 of '/srv' accepted: the entry 192.0.2.0/24 of "
                    "/srv (the default of --clients) decides"));
}

TEST_F(MountLog, AStrangerIsToldApartByWhereTheEntriesAre) {
    export_all("/srv 192.0.2.0/24\n");
    EXPECT_THAT(said("/srv/open", "203.0.113.9"),
                ElementsAre("warning: mount by 203.0.113.9 of '/srv/open' refused: no entry is for "
                            "this client; add it to /srv in exports, and send SIGHUP"));
    export_by_command_line(exports::place_of_clients);
    EXPECT_THAT(said("/srv", "203.0.113.9"),
                ElementsAre("warning: mount by 203.0.113.9 of '/srv' refused: no entry is for this "
                            "client; --clients says who may mount"));
    export_by_command_line(exports::place_of_default_clients);
    EXPECT_THAT(said("/srv", "2001:db8::9"),
                ElementsAre("warning: mount by 2001:db8::9 of '/srv' refused: no entry is for this "
                            "client; --clients says who may mount; by default private addresses "
                            "alone may"));
}

TEST_F(MountLog, TheWordsAreThoseOfTheCommandThatExplains) {
    export_all("/srv 192.0.2.0/24\n");
    EXPECT_THAT(said("/srv", "203.0.113.9"),
                ElementsAre(testing::HasSubstr(std::string{exports::reasons::no_entry})));
    EXPECT_THAT(said("/etc"),
                ElementsAre(testing::HasSubstr(std::string{exports::reasons::not_exported})));
}

TEST_F(MountLog, AHighPortIsNamedWithTheOptionThatAllowsIt) {
    export_all("/srv *(secure)\n");
    EXPECT_THAT(said("/srv", "192.0.2.7", 40000),
                ElementsAre("warning: mount by 192.0.2.7 of '/srv' refused: the entry * of /srv "
                            "(exports:1:6) wants ports below 1024, and the call comes from port "
                            "40000; insecure would allow others"));
}

TEST_F(MountLog, WhatIsNotExportedIsSaidWithWhatIs) {
    export_all("/srv *\n");
    EXPECT_THAT(said("/etc"),
                ElementsAre("warning: mount by 192.0.2.7 of '/etc' refused: not below "
                            "any export; exported: /srv"));
    export_all("/a *\n/b *\n/c *\n/d *\n/e *\n");
    EXPECT_THAT(said("/"), ElementsAre("warning: mount by 192.0.2.7 of '/' refused: not below any "
                                       "export; exported: /a, /b, /c and 2 more"));
    exports.replace({});
    EXPECT_THAT(said("/srv"),
                ElementsAre("warning: mount by 192.0.2.7 of '/srv' refused: not below "
                            "any export; nothing is exported"));
}

TEST_F(MountLog, WhatIsNoPathIsShownAsFarAsItMayBeLong) {
    EXPECT_THAT(said("srv"),
                ElementsAre("warning: mount by 192.0.2.7 of 'srv' refused: expected an "
                            "absolute path without '..'"));
    const std::string longest(path_bytes_max, '/');
    EXPECT_THAT(said(longest + "/"), ElementsAre("warning: mount by 192.0.2.7 of '" + longest +
                                                 "' refused: a path longer than 1024 "
                                                 "bytes"));
}

TEST_F(MountLog, WhatIsWrongOnTheWayIsNotTheEntrysFault) {
    export_all("/srv *\n");
    EXPECT_THAT(
        said("/srv/missing"),
        ElementsAre("warning: mount by 192.0.2.7 of '/srv/missing' refused: No such file or "
                    "directory; the entry * of /srv (exports:1:6) would allow it"));
    EXPECT_THAT(said("/srv/file"),
                ElementsAre("warning: mount by 192.0.2.7 of '/srv/file' refused: Not a directory; "
                            "the entry * of /srv (exports:1:6) would allow it"));
    outer->inject({.error = std::errc::permission_denied, .applies = [](vfs::faulty::Operation it) {
                       return it == vfs::faulty::Operation::lookup;
                   }});
    EXPECT_THAT(
        said("/srv/open"),
        ElementsAre(
            "warning: mount by 192.0.2.7 of '/srv/open' refused: Permission denied "
            "for berth itself, or it is berth's state directory; the entry * of /srv (exports:1:6) would allow it"));
}

TEST_F(MountLog, LinksAreSaidWhereTheyLead) {
    export_all("/srv *\n");
    EXPECT_THAT(said("/srv/out"),
                ElementsAre("warning: mount by 192.0.2.7 of '/srv/out' refused: it "
                            "leads to /: not below any export; exported: /srv"));
    outer->root().value()->make_symbolic_link(root_user, "gone", "open/gone", {}).value();
    EXPECT_THAT(said("/srv/gone"),
                ElementsAre("warning: mount by 192.0.2.7 of '/srv/gone' refused: it leads to "
                            "/srv/open/gone: No such file or directory; the entry * of /srv "
                            "(exports:1:6) would allow it"));
}

TEST_F(MountLog, AClientThatNobodyKnowsYetWaits) {
    export_all("/srv *.lab.example *(rw)");
    EXPECT_THAT(
        said("/srv"),
        ElementsAre("warning: mount by 192.0.2.7 of '/srv' waits: /srv has entries with names, "
                    "but the name service did not answer for this client"));
}

TEST_F(MountLog, OldVersionsAreToldFromOtherRefusals) {
    export_all("/srv *\n");
    for (const std::uint32_t version : {1U, 2U}) {
        EXPECT_THAT(said("/srv", "192.0.2.7", 700, version),
                    ElementsAre("warning: mount by 192.0.2.7 of '/srv' refused: it asks version " +
                                std::to_string(version) +
                                " of MOUNT for NFSv2, and berth has NFSv3; mount with vers=3"));
        EXPECT_THAT(said("/etc", "192.0.2.7", 700, version),
                    ElementsAre(testing::HasSubstr("not below any export")));
    }
}

TEST_F(MountLog, NoPathEndsItsQuotes) {
    export_all("/srv *\n");
    EXPECT_THAT(said("/x' accepted: the entry * of /srv decides \\ '"),
                ElementsAre(testing::StartsWith(
                    R"(warning: mount by 192.0.2.7 of '/x\x27 accepted: the entry * of /srv )"
                    R"(decides \x5c \x27' refused: not below any export)")));
}

TEST_F(MountLog, OtherProceduresAreNoMounts) {
    const test::Logged logged;
    auto asking = caller(2);
    asking.call<PathConfiguration>({std::string_view{"/etc"}});
    asking.call<Export>({});
    asking.call<Unmount>({std::string_view{"/etc"}});
    EXPECT_THAT(logged.lines(), IsEmpty());
}

}  // namespace
}  // namespace berth::mount
