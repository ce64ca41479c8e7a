// What the text of exports(5) comes to, and what is refused, where.
#include "nfs/exports/file.hpp"

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace berth::exports {
namespace {

using namespace std::string_literals;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

Listing parse(std::string_view text) {
    return parse_exports(text, "F");
}

/// Of a text without problems.
std::vector<ListedExport> listed_exports(std::string_view text) {
    auto list = parse(text);
    for (const auto& problem : list.problems) ADD_FAILURE() << problem.text();
    return std::move(list.exports);
}

/// The only rule of "/srv CLIENT".
ClientRule rule_of(const std::string& client) {
    auto exports = listed_exports("/srv " + client);
    if (exports.size() != 1 || exports[0].clients.size() != 1) {
        ADD_FAILURE() << client;
        return {};
    }
    return exports[0].clients[0];
}

std::vector<std::string> problems_of(std::string_view text) {
    std::vector<std::string> problems;
    for (const auto& problem : parse(text).problems) problems.push_back(problem.text());
    return problems;
}

/// Client and grant of each rule.
std::vector<std::string> table_of(std::string_view text) {
    std::vector<std::string> lines;
    for (const auto& exported : listed_exports(text))
        for (const auto& rule : exported.clients)
            lines.push_back(exported.path + " " + rule.client.text() + " " + describe(rule));
    return lines;
}

const std::string ro = "ro,sync,root_squash,anonuid=65534,anongid=65534,secure";
const std::string rw = "rw,sync,root_squash,anonuid=65534,anongid=65534,secure";

TEST(ExportsFile, NothingIsNothing) {
    for (const auto* text : {"", "\n", " \t\r\n\n", "# all", "#\n # more\n", "\\\n", "\\\n\\\n# x"})
        EXPECT_THAT(listed_exports(text), IsEmpty()) << text;
}

TEST(ExportsFile, IdsAreMappedByRanges) {
    const auto maps = ",map-uid=0-9:100,map-uid=10:5,map-gid=0-4294967294:0";
    EXPECT_THAT(table_of("/a h(map-gid=0-4294967294:0,map-uid=0-9:100,map-uid=10:5)"),
                ElementsAre("/a h " + ro + maps));
    // A client's own take the place of the line's, each of the two for itself.
    EXPECT_THAT(table_of("/a -map-uid=0:1,map-uid=1:0,map-gid=7:8 h(map-uid=5:6) g"),
                ElementsAre("/a h " + ro + ",map-uid=5:6,map-gid=7:8",
                            "/a g " + ro + ",map-uid=0:1,map-uid=1:0,map-gid=7:8"));
}

TEST(ExportsFile, DefaultsAreThoseOfExports5) {
    const auto rule = rule_of("*");
    ASSERT_TRUE(rule.sys);
    EXPECT_EQ(*rule.sys, (Options{.read_only = true, .secure = true}));
    EXPECT_EQ(rule.none, rule.sys);
    EXPECT_THAT(rule.offered, ElementsAre(Flavor::sys));
    EXPECT_EQ(describe(rule), ro);
}

TEST(ExportsFile, TheExamplesOfTheManualPage) {
    EXPECT_THAT(table_of("# sample /etc/exports file\n"
                         "/               master(rw) trusty(rw,no_root_squash)\n"
                         "/projects       proj*.local.domain(rw)\n"
                         "/usr            *.local.domain(ro) @trusted(rw)\n"
                         "/home/joe       pc001(rw,all_squash,anonuid=150,anongid=100)\n"
                         "/pub            *(ro,insecure,all_squash)\n"
                         "/srv/www        -sync,rw server @trusted @external(ro)\n"
                         "/foo            2001:db8:9:e54::/64(rw) 192.0.2.0/24(rw)\n"
                         "/build          buildhost[0-9].local.domain(rw)\n"),
                ElementsAre("/ master " + rw,
                            "/ trusty rw,sync,no_root_squash,anonuid=65534,anongid=65534,secure",
                            "/projects proj*.local.domain " + rw, "/usr *.local.domain " + ro,
                            "/usr @trusted " + rw,
                            "/home/joe pc001 rw,sync,all_squash,anonuid=150,anongid=100,secure",
                            "/pub * ro,sync,all_squash,anonuid=65534,anongid=65534,insecure",
                            "/srv/www server " + rw, "/srv/www @trusted " + rw,
                            "/srv/www @external " + ro, "/foo 2001:db8:9:e54::/64 " + rw,
                            "/foo 192.0.2.0/24 " + rw, "/build buildhost[0-9].local.domain " + rw));
}

TEST(ExportsFile, PathsAreQuotedAndEscaped) {
    const std::pair<std::string_view, std::string_view> table[] = {
        {"/srv", "/srv"},
        {"//srv/./data/", "/srv/data"},
        {"\"/srv/my data\"", "/srv/my data"},
        {"/srv/\"my data\"/x", "/srv/my data/x"},
        {"/srv/my\\040data", "/srv/my data"},
        {"/srv/tab\\011", "/srv/tab\t"},
        {"/srv/a\\134b", "/srv/a\\b"},
        {"/srv/a\\042b", "/srv/a\"b"},
        {"/srv/\\303\\244", "/srv/\xC3\xA4"},
        {"/srv/\\377", "/srv/\xFF"},
        {"\"/srv/back\\slash\"", "/srv/back\\slash"},
        {"/srv/a#b", "/srv/a#b"},
        {"\"/srv #1\"", "/srv #1"},
        {"/srv(old)", "/srv(old)"},
    };
    for (const auto& [written, path] : table) {
        const auto exports = listed_exports(std::string{written} + " *");
        ASSERT_THAT(exports, SizeIs(1)) << written;
        EXPECT_EQ(exports[0].path, path) << written;
    }
}

TEST(ExportsFile, LinesContinueAndEnd) {
    EXPECT_THAT(table_of("/a \\\n   h1 \\\n\th2(rw)\n/b h3"),
                ElementsAre("/a h1 " + ro, "/a h2 " + rw, "/b h3 " + ro));
    EXPECT_THAT(table_of("/a\\\nh1\\\nh2"), ElementsAre("/a h1 " + ro, "/a h2 " + ro))
        << "a continuation separates as a blank does";
    EXPECT_THAT(table_of("/a h1\\\r\n h2\r\n/b h3 # end\r\n"),
                ElementsAre("/a h1 " + ro, "/a h2 " + ro, "/b h3 " + ro));
    EXPECT_THAT(table_of("/a h1 # h2\n  /b h3 #\n"), ElementsAre("/a h1 " + ro, "/b h3 " + ro));
}

TEST(ExportsFile, PlacesAreWhereTheWordsBegin) {
    const auto exports = listed_exports("\n  /a   h1(rw) \\\n  h2\n\"/b c\" h3\n");
    ASSERT_THAT(exports, SizeIs(2));
    EXPECT_EQ(exports[0].where.text(), "F:2:3");
    EXPECT_EQ(exports[0].clients.at(0).where.text(), "F:2:8");
    EXPECT_EQ(exports[0].clients.at(1).where.text(), "F:3:3");
    EXPECT_EQ(exports[1].where.text(), "F:4:1");
    EXPECT_EQ(exports[1].clients.at(0).where.text(), "F:4:8");
}

TEST(ExportsFile, EveryKindOfClient) {
    struct Case {
        const char* written;
        ClientKind kind;
        const char* shown;
    };
    const Case table[] = {
        {"*", ClientKind::everyone, "*"},
        {"host", ClientKind::host, "host"},
        {"Host.Example-1.ORG", ClientKind::host, "host.example-1.org"},
        {"1host", ClientKind::host, "1host"},
        {"192.0.2.7", ClientKind::host, "192.0.2.7"},
        {"2001:DB8::7", ClientKind::host, "2001:db8::7"},
        {"::ffff:192.0.2.7", ClientKind::host, "192.0.2.7"},
        {"192.0.2.0/24", ClientKind::network, "192.0.2.0/24"},
        {"192.0.2.77/24", ClientKind::network, "192.0.2.0/24"},
        {"192.0.2.0/255.255.252.0", ClientKind::network, "192.0.0.0/22"},
        {"192.0.2.7/32", ClientKind::network, "192.0.2.7/32"},
        {"0.0.0.0/0", ClientKind::network, "0.0.0.0/0"},
        {"10.0.0.0/0.0.0.0", ClientKind::network, "0.0.0.0/0"},
        {"10.1.2.3/255.255.255.255", ClientKind::network, "10.1.2.3/32"},
        {"2001:db8::1/33", ClientKind::network, "2001:db8::/33"},
        {"::/0", ClientKind::network, "::/0"},
        {"*.Lab.example", ClientKind::wildcard, "*.lab.example"},
        {"node??", ClientKind::wildcard, "node??"},
        {"node[0-9].[!a-c]x", ClientKind::wildcard, "node[0-9].[!a-c]x"},
        {"**", ClientKind::wildcard, "**"},
        {"@Trusted_hosts", ClientKind::netgroup, "@Trusted_hosts"},
    };
    for (const auto& [written, kind, shown] : table) {
        const auto rule = rule_of(written);
        EXPECT_EQ(rule.client.kind, kind) << written;
        EXPECT_EQ(rule.client.text(), shown) << written;
    }
    EXPECT_TRUE(rule_of("host").client.needs_names());
    EXPECT_TRUE(rule_of("@g").client.needs_names());
    EXPECT_TRUE(rule_of("*.x").client.needs_names());
    for (const auto* written : {"*", "192.0.2.7", "192.0.2.0/24", "::1"})
        EXPECT_FALSE(rule_of(written).client.needs_names()) << written;
}

Options options_of(const std::string& list) {
    return rule_of("*(" + list + ")").sys.value_or(Options{});
}

TEST(ExportsFile, EveryOptionDoesWhatItSays) {
    EXPECT_EQ(describe(rule_of("*()")), ro);
    EXPECT_TRUE(options_of("ro").read_only);
    EXPECT_FALSE(options_of("rw").read_only);
    EXPECT_TRUE(options_of("sync").sync);
    EXPECT_FALSE(options_of("async").sync);
    EXPECT_EQ(options_of("root_squash").squash, Squash::root);
    EXPECT_EQ(options_of("no_root_squash").squash, Squash::none);
    EXPECT_EQ(options_of("all_squash").squash, Squash::all);
    EXPECT_EQ(options_of("all_squash,no_root_squash").squash, Squash::all);
    EXPECT_EQ(options_of("no_all_squash").squash, Squash::root);
    EXPECT_EQ(options_of("no_all_squash,no_root_squash").squash, Squash::none);
    EXPECT_TRUE(options_of("secure").secure);
    EXPECT_FALSE(options_of("insecure").secure);
    EXPECT_EQ(options_of("anonuid=0").anonymous_uid, 0U);
    EXPECT_EQ(options_of("anonuid=4294967294").anonymous_uid, 4294967294U);
    EXPECT_EQ(options_of("anongid=-2").anonymous_gid, 4294967294U);
    EXPECT_TRUE(options_of("rw").lists_attributes);
    EXPECT_FALSE(options_of("nordirplus").lists_attributes);
    EXPECT_EQ(options_of("subtree_check,wdelay,acl,no_pnfs"),
              options_of("no_subtree_check,no_wdelay,no_acl"));
    EXPECT_TRUE(options_of("crossmnt").crosses_mounts);
    EXPECT_EQ(options_of("nocrossmnt,hide"), options_of(""));
    EXPECT_FALSE(options_of("nohide").is_hidden);
    EXPECT_EQ(options_of("rw,rw"), options_of("rw")) << "twice the same is no contradiction";
}

TEST(ExportsFile, DefaultOptionsHoldForWhatFollows) {
    EXPECT_THAT(table_of("/a h1 -rw h2 h3(ro) -all_squash,anonuid=5 h4 h5(no_all_squash)\n/b h6"),
                ElementsAre("/a h1 " + ro, "/a h2 " + rw, "/a h3 " + ro,
                            "/a h4 rw,sync,all_squash,anonuid=5,anongid=65534,secure",
                            "/a h5 rw,sync,root_squash,anonuid=5,anongid=65534,secure",
                            "/b h6 " + ro));
}

TEST(ExportsFile, FlavorsAreOfferedAndAccepted) {
    const auto only_sys = rule_of("*(rw,sec=sys)");
    EXPECT_THAT(only_sys.offered, ElementsAre(Flavor::sys));
    EXPECT_FALSE(only_sys.none);
    EXPECT_EQ(describe(only_sys), "sec=sys," + rw);

    const auto only_none = rule_of("*(sec=none,rw)");
    EXPECT_THAT(only_none.offered, ElementsAre(Flavor::none));
    ASSERT_TRUE(only_none.sys) << "callers with a user are served as nobody in particular";
    EXPECT_EQ(only_none.sys->squash, Squash::all);
    EXPECT_FALSE(only_none.sys->read_only);

    const auto both = rule_of("*(sec=none:sys,rw)");
    EXPECT_THAT(both.offered, ElementsAre(Flavor::none, Flavor::sys));
    EXPECT_EQ(both.sys, both.none);
    EXPECT_EQ(both.sys->squash, Squash::root);
    EXPECT_EQ(describe(both), "sec=none:sys," + rw);

    const auto apart = rule_of("*(anonuid=7,sec=sys,rw,no_root_squash,sec=none,ro,async)");
    EXPECT_EQ(describe(apart), "sec=sys,rw,async,no_root_squash,anonuid=7,anongid=65534,secure,"
                               "sec=none,ro,async,root_squash,anonuid=7,anongid=65534,secure");
}

TEST(ExportsFile, FsidNamesTheExport) {
    const std::pair<std::string, GivenFsid> table[] = {
        {"0", {0, "0"}},
        {"root", {0, "0"}},
        {"7", {7, "7"}},
        {"0x1F", {31, "31"}},
        {"4294967295", {4294967295, "4294967295"}},
        {"0123456789abcdef-FEDC:BA98.76543210",
         {0x0123456789ABCDEF ^ 0xFEDCBA9876543210, "0123456789abcdeffedcba9876543210"}},
    };
    for (const auto& [written, fsid] : table) {
        const auto exports = listed_exports("/a *(fsid=" + written + ")");
        ASSERT_THAT(exports, SizeIs(1)) << written;
        EXPECT_EQ(exports[0].fsid, fsid) << written;
    }
    EXPECT_FALSE(listed_exports("/a *").at(0).fsid);
    EXPECT_EQ(listed_exports("/a h1(fsid=3) h2\n/a h3(fsid=3)").at(0).fsid->number, 3U);
}

TEST(ExportsFile, MountPointIsThePathOrAnother) {
    EXPECT_FALSE(listed_exports("/a *").at(0).mount_point);
    EXPECT_EQ(listed_exports("/a/ *(mountpoint)").at(0).mount_point, "/a");
    EXPECT_EQ(listed_exports("/a *(mp)").at(0).mount_point, "/a");
    EXPECT_EQ(listed_exports("/a *(mp=/b/)").at(0).mount_point, "/b");
    EXPECT_EQ(listed_exports("/a *(rw,mountpoint=\"/b c,d)\",sync)").at(0).mount_point, "/b c,d)");
}

TEST(ExportsFile, WhatIsSaidOfOnePathBelongsTogether) {
    FileParser parser;
    parser.add("/a h1\n/b h2\n/a/ h3(rw)\n", "F");
    parser.add("/b h4\n", "G");
    const auto list = std::move(parser).take();
    EXPECT_THAT(list.problems, IsEmpty());
    ASSERT_THAT(list.exports, SizeIs(2));
    ASSERT_THAT(list.exports[0].clients, SizeIs(2));
    EXPECT_EQ(list.exports[0].clients[1].where.text(), "F:3:5");
    ASSERT_THAT(list.exports[1].clients, SizeIs(2));
    EXPECT_EQ(list.exports[1].clients[1].where.text(), "G:1:4");
}

TEST(ExportsFile, ProblemsNamePlaceAndWord) {
    const std::pair<std::string_view, std::string> table[] = {
        {"srv *", "F:1:1: 'srv': expected the absolute path"},
        {"/srv/../etc *", "F:1:1: '/srv/../etc': expected the absolute path"},
        {"\n\n  \"\" *", "F:3:3: expected the absolute path"},
        {"/a", "F:1:1: '/a': exported to nobody"},
        {"/a -rw", "F:1:1: '/a': exported to nobody"},
        {"/a \"\"", "F:1:4: expected a client"},
        {"/a (ro)", "F:1:4: '(ro)': expected a client right before the '('"},
        {"/a host (rw)", "F:1:9: '(rw)': expected a client right before"},
        {"/a host(rw", "F:1:4: 'host(rw': expected a ')'"},
        {"/a host(rw, sync)", "F:1:4: 'host(rw,': expected a ')': an option list has no blanks"},
        {"/a host(rw)x", "F:1:4: 'host(rw)x': expected a blank after the ')'"},
        {"/a host(rw)#x", "F:1:4: 'host(rw)#x': expected a blank after the ')'"},
        {"/a host(rw)other(ro)", "F:1:4: 'host(rw)other(ro)': expected a blank after"},
        {"/a host(map-uid)", "F:1:9: 'map-uid': this option needs a value, as map-uid=..."},
        {"/a host(map-uid=)", "F:1:9: 'map-uid=': expected ids of clients"},
        {"/a host(rw,map-gid=1000)", "F:1:12: 'map-gid=1000': expected ids of clients"},
        {"/a host(map-uid=9-8:1)", "F:1:9: 'map-uid=9-8:1': the last id comes before"},
        {"/a host(map-uid=0-1:0,map-uid=1:7)",
         "F:1:23: 'map-uid=1:7': overlaps the client ids of 0-1:0"},
        {"/a host(map-gid=0-1:0,map-gid=2:1)",
         "F:1:23: 'map-gid=2:1': overlaps the server ids of 0-1:0"},
        {"/a host(map-uid=0:4294967295)", "F:1:9: 'map-uid=0:4294967295': goes past"},
        {"/a host(rwx)", "F:1:9: 'rwx': there is no such option; did you mean 'rw'?"},
        {"/a host(no_rot_squash)",
         "F:1:9: 'no_rot_squash': there is no such option; did you mean 'no_root_squash'?"},
        {"/a host(frobnicate)", "F:1:9: 'frobnicate': there is no such option"},
        {"/a host(rw,,sync)", "F:1:12: expected an option"},
        {"/a host(rw,)", "F:1:12: expected an option"},
        {"/a - host", "F:1:5: expected an option"},
        {"/a host(,rw)", "F:1:9: expected an option"},
        {"/a host(rw=1)", "F:1:9: 'rw=1': this option has no value"},
        {"/a host(anonuid)", "F:1:9: 'anonuid': this option needs a value, as anonuid=..."},
        {"/a host(rw,refer)", "F:1:12: 'refer': berth does not support this option"},
        {"/a host(refer=/b@c)", "F:1:9: 'refer=/b@c': berth does not support"},
        {"/a host(rw,ro)", "F:1:12: 'ro': contradicts 'rw' in the same list"},
        {"/a host(sync,rw,async)", "F:1:17: 'async': contradicts 'sync'"},
        {"/a host(anonuid=1,anonuid=2)", "F:1:19: 'anonuid=2': contradicts 'anonuid=1'"},
        {"/a host(sec=sys,rw,ro)", "F:1:20: 'ro': contradicts 'rw'"},
        {"/a host(anonuid=x)", "F:1:9: 'anonuid=x': expected a number from 0 to"},
        {"/a host(anongid=)", "F:1:9: 'anongid=': expected a number from 0 to"},
        {"/a host(anongid=4294967295)", "F:1:9: 'anongid=4294967295': expected a number"},
        {"/a host(anonuid=-1)", "F:1:9: 'anonuid=-1': expected a number"},
        {"/a host(anonuid=99999999999999999999)", "F:1:9: 'anonuid=99999999999999999999': exp"},
        {"/a host(fsid=)", "F:1:9: 'fsid=': expected a number below 2^32, 'root', or a UUID"},
        {"/a host(fsid=4294967296)", "F:1:9: 'fsid=4294967296': expected"},
        {"/a host(fsid=0123-4567)", "F:1:9: 'fsid=0123-4567': expected"},
        {"/a host(fsid=g0000000000000000000000000000000)", "F:1:9: 'fsid=g"},
        {"/a host(mountpoint=b)", "F:1:9: 'mountpoint=b': expected an absolute path"},
        {"/a host(mp=)", "F:1:9: 'mp=': expected an absolute path"},
        {"/a host(sec=krb5)", "F:1:13: 'krb5': expected the security flavours sys or none"},
        {"/a host(sec=sys:krb5p)", "F:1:17: 'krb5p': expected the security flavours"},
        {"/a host(sec=)", "F:1:9: 'sec=': expected the security flavours"},
        {"/a host(sec=sys:sys)", "F:1:17: 'sys': this flavour is listed already"},
        {"/a host(sec=sys,sec=sys)", "F:1:21: 'sys': this flavour is listed already"},
        {"/a -sec=sys host(sec=none)", "F:1:18: 'sec=none': the default options of this line"},
        {"/a host1 host1", "F:1:10: 'host1': /a has this client already, at F:1:4"},
        {"/a host1\n/a HOST1(rw)", "F:2:4: 'HOST1(rw)': /a has this client already, at F:1:4"},
        {"/a ::1 0:0::1", "F:1:8: '0:0::1': /a has this client already"},
        {"/a h(fsid=1)\n/b h(fsid=1)", "F:2:6: 'fsid=1': /a has this fsid already"},
        {"/a h(fsid=1) i(fsid=2)", "F:1:16: 'fsid=2': /a has another fsid already"},
        {"/a h(mp) i(mp=/c)", "F:1:12: 'mp=/c': /a has another mountpoint already"},
        {"/a 192.0.2.0/33", "F:1:4: '192.0.2.0/33': expected a length from 0 to 32"},
        {"/a 192.0.2.0/", "F:1:4: '192.0.2.0/': expected a length"},
        {"/a 192.0.2.0/-1", "F:1:4: '192.0.2.0/-1': expected a length"},
        {"/a 192.0.2.0/255.0.255.0", "F:1:4: '192.0.2.0/255.0.255.0': expected a length"},
        {"/a 192.0.2.0/99999999999", "F:1:4: '192.0.2.0/99999999999': expected a length"},
        {"/a 2001:db8::/129", "F:1:4: '2001:db8::/129': expected a length from 0 to 128"},
        {"/a 2001:db8::/ffff::", "F:1:4: '2001:db8::/ffff::': expected a length from 0 to 128"},
        {"/a host/24", "F:1:4: 'host/24': expected an IP address before the '/'"},
        {"/a [2001:db8::1]", "F:1:4: '[2001:db8::1]': an IPv6 address is written without"},
        {"/a 192.0.2.*", "F:1:4: '192.0.2.*': wildcards match names, not addresses"},
        {"/a fe80::1%eth0", "F:1:4: 'fe80::1%eth0': expected a client"},
        {"/a 192.0.2", "F:1:4: '192.0.2': expected a client"},
        {"/a 192.0.2.300", "F:1:4: '192.0.2.300': expected a client"},
        {"/a h\xC3\xA4", "F:1:4: 'h\xC3\xA4': expected a client"},
        {"/a h,i", "F:1:4: 'h,i': expected a client"},
        {"/a @", "F:1:4: '@': expected the name of a netgroup"},
        {"/a @a*", "F:1:4: '@a*': expected the name of a netgroup"},
        {"/a gss/krb5(rw)", "F:1:4: 'gss/krb5': berth has no RPCSEC_GSS"},
        {"/a h*[a", "F:1:4: 'h*[a': a '[' without its ']'"},
        {"/a h[]", "F:1:4: 'h[]': a '[' without its ']'"},
        {"/a h]*", "F:1:4: 'h]*': a ']' without a '['"},
        {"/a h*/x", "F:1:4: 'h*/x': expected an IP address before the '/'"},
        {"/a h*\x01", "F:1:4: 'h*\\001': expected a host name with the wildcards"},
        {"/a \"host\"", "F:1:4: 'host': a client's name has no quotes"},
        {"/a ho\\163t", "F:1:4: 'host': a client's name has no quotes and no backslash"},
        {"/a\\0b *", "F:1:3: expected a character's code as three octal digits"},
        {"/a\\400 *", "F:1:3: expected a character's code"},
        {"/a\\000 *", "F:1:3: expected a character's code"},
        {"/a \\", "F:1:4: expected a character's code"},
        {"/a \\ ", "F:1:4: expected a character's code"},
        {"  \"/a *\n", "F:1:3: a '\"' without the other one on the same line"},
        {"/a h # more \\\n/b h", "F:1:13: a comment cannot be continued"},
        {"/a h # more \\\r\n/b h", "F:1:13: a comment cannot be continued"},
    };
    for (const auto& [text, expected] : table)
        EXPECT_THAT(problems_of(text), ElementsAre(StartsWith(expected))) << text;
    EXPECT_THAT(problems_of("/a\0b *"s), ElementsAre(StartsWith("F:1:3: a NUL")));
    EXPECT_THAT(problems_of("\"/a\0b\" *"s), ElementsAre(StartsWith("F:1:4: a NUL")));
    EXPECT_THAT(problems_of("/" + std::string(1024, 'x') + " *"),
                ElementsAre(AllOf(HasSubstr("...'"), HasSubstr("longer than 1024 bytes"))));
    EXPECT_THAT(listed_exports("/" + std::string(1023, 'x') + " *"), SizeIs(1));
}

TEST(ExportsFile, AllProblemsAreFoundAndTheRestIsRead) {
    const auto list = parse("/a h1(rw,frob,refer) h2(\n/b\n/c h3\n/d\\8 \\\n h4\n/e h5 h6)\n");
    EXPECT_THAT(list.problems, SizeIs(6));
    std::vector<std::string> paths;
    for (const auto& exported : list.exports) paths.push_back(exported.path);
    EXPECT_THAT(paths, ElementsAre("/a", "/c", "/e"));
}

TEST(ExportsFile, AProblemIsOneLineWhateverTheWord) {
    const auto problems = problems_of("\"a\x01\x7F\x1B[31m\" *");
    ASSERT_THAT(problems, SizeIs(1));
    EXPECT_THAT(problems[0], HasSubstr("'a\\001\\177\\033[31m'"));
}

TEST(ExportsFile, ItsOwnDescriptionsAreUnderstood) {
    for (const auto* written :
         {"", "rw,async", "no_root_squash,insecure", "all_squash,anonuid=5,anongid=6", "sec=sys,rw",
          "sec=none:sys,nordirplus", "crossmnt,nohide", "sec=sys,rw,sec=none,ro,all_squash"}) {
        const auto rule = rule_of("*("s + written + ")");
        const auto again = rule_of("*(" + describe(rule) + ")");
        EXPECT_EQ(again.sys, rule.sys) << written;
        EXPECT_EQ(again.none, rule.none) << written;
        EXPECT_EQ(again.offered, rule.offered) << written;
    }
}

TEST(Wildcard, MatchesAsExports5Says) {
    struct Case {
        std::string_view wildcard;
        std::string_view host;
        bool matches;
    };
    const Case table[] = {
        {"*.lab.example", "a.lab.example", true},
        {"*.lab.example", "a.b.lab.example", true},
        {"*.lab.example", "lab.example", false},
        {"*.lab.example", "a.lab.example.org", false},
        {"*.LAB.example", "A.lab.EXAMPLE", true},
        {"a*b*c", "aXbXbXc", true},
        {"a*b*c", "aXbXbX", false},
        {"a*", "a", true},
        {"**", "", true},
        {"?", "", false},
        {"n?de", "n.de", true},
        {"n?de", "node1", false},
        {"node[0-9]", "node7", true},
        {"node[0-9]", "nodex", false},
        {"node[0-9]", "node", false},
        {"node[!0-9]", "nodex", true},
        {"node[^0-9]", "node7", false},
        {"node[a-cx]", "nodeX", true},
        {"node[A-C]", "nodeb", true},
        {"node[-x]", "node-", true},
        {"node[x-]", "node-", true},
        {"node[]x]", "node]", true},
        {"*[0-9]x", "a1b2x", true},
        {"*a*a*a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
         false},
    };
    for (const auto& [wildcard, host, matches] : table) {
        EXPECT_EQ(problem_of_wildcard(wildcard), "") << wildcard;
        EXPECT_EQ(matches_wildcard(wildcard, host), matches) << wildcard << " " << host;
    }
}

TEST(ClientNetwork, ContainsWhatBeginsAlike) {
    struct Case {
        std::string_view network;
        std::string_view address;
        bool contains;
    };
    const Case table[] = {
        {"192.0.2.0/24", "192.0.2.255", true},
        {"192.0.2.0/24", "192.0.3.0", false},
        {"192.0.2.0/24", "::ffff:192.0.2.1", true},
        {"192.0.2.0/23", "192.0.3.9", true},
        {"192.0.2.7/32", "192.0.2.7", true},
        {"192.0.2.7/32", "192.0.2.6", false},
        {"0.0.0.0/0", "203.0.113.1", true},
        {"0.0.0.0/0", "2001:db8::1", false},
        {"::/0", "2001:db8::1", true},
        {"::/0", "192.0.2.1", false},
        {"2001:db8::/33", "2001:db8:7fff::1", true},
        {"2001:db8::/33", "2001:db8:8000::1", false},
        {"2001:db8::1/128", "2001:db8::1", true},
    };
    for (const auto& [network, address, contains] : table) {
        const auto rule = rule_of(std::string{network});
        EXPECT_EQ(rule.client.network.contains(*ClientAddress::parse(address)), contains)
            << network << " " << address;
    }
}

TEST(ClientAddress, HasOneSpelling) {
    for (const auto& [written, shown] : std::initializer_list<std::pair<const char*, const char*>>{
             {"192.0.2.7", "192.0.2.7"},
             {"::FFFF:192.0.2.7", "192.0.2.7"},
             {"2001:0DB8::0007", "2001:db8::7"},
             {"::", "::"}})
        EXPECT_EQ(ClientAddress::parse(written)->text(), shown);
    for (const auto* wrong :
         {"", "192.0.2", "192.0.2.7 ", "fe80::1%lo", "::g", "1.2.3.4.5", "host"})
        EXPECT_FALSE(ClientAddress::parse(wrong)) << wrong;
    EXPECT_FALSE(ClientAddress::parse("192.0.2.7\0"s));
}

}  // namespace
}  // namespace berth::exports
