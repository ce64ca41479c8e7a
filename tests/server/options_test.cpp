// What the command line and the configuration file come to, and what is refused.
#include "server/options.hpp"

#include <chrono>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <boost/filesystem/path.hpp>
#include <gtest/gtest.h>

#include "tests/server/command_line.hpp"

namespace berth::server {
namespace {

TEST(Options, DefaultsAreTheSafeOnes) {
    const auto parsed = parse({"serve", "/srv"});
    EXPECT_EQ(parsed.command, Command::serve);
    EXPECT_EQ(parsed.serve.directories, std::vector<std::string>{"/srv"});
    EXPECT_TRUE(parsed.serve.listen.empty()) << "port 2049 of all interfaces";
    EXPECT_TRUE(parsed.serve.clients.empty()) << "loopback and private addresses";
    EXPECT_EQ(parsed.serve.exports.squash, exports::Squash::root);
    EXPECT_TRUE(parsed.serve.exports.sync);
    EXPECT_FALSE(parsed.serve.exports.read_only);
    EXPECT_EQ(parsed.serve.portmap, PortmapMode::automatic);
}

TEST(Options, EveryOptionIsTaken) {
    const auto serve =
        parse({"serve",  "/a",           "/b",      "--memory",     "m",        "--memory",
               "n",      "--listen",     "[::1]:0", "--read-only",  "--squash", "all",
               "--anon", "99:98",        "--async", "--portmap",    "off",      "--threads",
               "3",      "--workers",    "5",       "--state",      "/s",       "--log-level",
               "debug",  "--log-format", "json",    "--manage-gids"})
            .serve;
    EXPECT_EQ(serve.directories, (std::vector<std::string>{"/a", "/b"}));
    EXPECT_EQ(serve.memory_names, (std::vector<std::string>{"m", "n"}));
    ASSERT_EQ(serve.listen.size(), 1U);
    ASSERT_EQ(serve.listen[0].addresses.size(), 1U);
    EXPECT_TRUE(serve.listen[0].addresses[0].is_loopback());
    EXPECT_EQ(serve.listen[0].port, 0);
    EXPECT_TRUE(serve.exports.read_only);
    EXPECT_EQ(serve.exports.squash, exports::Squash::all);
    EXPECT_EQ(serve.exports.anonymous_uid, 99U);
    EXPECT_EQ(serve.exports.anonymous_gid, 98U);
    EXPECT_FALSE(serve.exports.sync);
    EXPECT_EQ(serve.portmap, PortmapMode::off);
    EXPECT_EQ(serve.threads, 3U);
    EXPECT_EQ(serve.workers, 5U);
    EXPECT_TRUE(serve.manages_groups);
    EXPECT_EQ(serve.state, "/s");
    EXPECT_EQ(serve.log_level, "debug");
    EXPECT_EQ(serve.log_format, LogFormat::json);
}

TEST(Options, CeilingsAreTheMachinesUnlessTheyAreSaid) {
    const auto usual = parse({"serve", "/a"}).serve;
    EXPECT_FALSE(usual.memory_max || usual.connections_max);
    EXPECT_EQ(usual.idle_max, std::chrono::seconds{360});
    const auto said =
        parse({"serve", "/a", "--memory-max", "64M", "--connections-max", "9", "--idle-max", "0"})
            .serve;
    EXPECT_EQ(said.memory_max, std::size_t{64} << 20);
    EXPECT_EQ(said.connections_max, 9U);
    EXPECT_EQ(said.idle_max, std::chrono::seconds{0});
    const auto size_of = [](const char* text) {
        return parse({"serve", "/a", "--memory-max", text}).serve.memory_max;
    };
    EXPECT_EQ(size_of("2G"), std::size_t{2} << 30);
    EXPECT_EQ(size_of("65536K"), std::size_t{64} << 20);
    EXPECT_EQ(size_of("33554432"), std::size_t{32} << 20);
    for (const auto* wrong : {"M", "12T", "1.5G", "-1", "99999999999G", "0x10M", "64 M"})
        EXPECT_EQ(refusal({"serve", "/a", "--memory-max", wrong}),
                  "--memory-max " + std::string{wrong} +
                      ": expected a number of bytes, as 512M or 2G");
    EXPECT_EQ(refusal({"serve", "/a", "--memory-max", "1M"}),
              "--memory-max 1M: that is too little; at least 16M are needed");
}

TEST(Options, LocksAsksARunningServer) {
    EXPECT_EQ(parse({"locks"}).command, Command::locks);
    EXPECT_EQ(parse({"locks"}).locks.client, "");
    EXPECT_FALSE(parse({"locks"}).locks.state);
    const auto release = parse({"locks", "release", "10.0.0.1", "--state", "/s"});
    EXPECT_EQ(release.command, Command::release_locks);
    EXPECT_EQ(release.locks.client, "10.0.0.1");
    EXPECT_EQ(release.locks.state, "/s");
    EXPECT_EQ(parse({"locks", "--state", "/s", "release", "name"}).locks.state, "/s");
    EXPECT_NE(refusal({"locks", "release"}), "");
    EXPECT_NE(refusal({"locks", "free"}), "");
}

TEST(Options, GraceIsATimeOrNone) {
    EXPECT_EQ(parse({"serve", "/a"}).serve.grace, std::chrono::seconds{45});
    EXPECT_EQ(parse({"serve", "/a", "--grace", "7"}).serve.grace, std::chrono::seconds{7});
    EXPECT_EQ(parse({"serve", "/a", "--no-grace"}).serve.grace, std::chrono::seconds{0});
    EXPECT_NE(refusal({"serve", "/a", "--grace", "soon"}), "");
    EXPECT_NE(refusal({"serve", "/a", "--grace", "7", "--no-grace"}), "");
}

TEST(Options, MemoryTakesOneNameAndLeavesTheDirectories) {
    const auto serve = parse({"serve", "--memory", "m", "/a"}).serve;
    EXPECT_EQ(serve.memory_names, std::vector<std::string>{"m"});
    EXPECT_EQ(serve.directories, std::vector<std::string>{"/a"});
}

TEST(Options, ListenUnderstandsWhatPeopleType) {
    const auto listen = [](const char* text) {
        return parse({"serve", "/a", "--listen", text}).serve.listen.at(0);
    };
    EXPECT_EQ(listen("2050").port, 2050);
    EXPECT_TRUE(listen("2050").addresses.empty());
    EXPECT_EQ(listen(":2051").port, 2051);
    EXPECT_EQ(listen("*:2052").port, 2052);
    EXPECT_EQ(listen("10.1.2.3").addresses.at(0).text(), "10.1.2.3");
    EXPECT_EQ(listen("10.1.2.3").port, 2049);
    EXPECT_EQ(listen("10.1.2.3:7").port, 7);
    EXPECT_EQ(listen("[fd00::1]:8").addresses.at(0).text(), "fd00::1");
    EXPECT_EQ(listen("[fd00::1]:8").port, 8);
    EXPECT_EQ(listen("fd00::1").addresses.at(0).text(), "fd00::1");
    EXPECT_EQ(listen("[fd00::1]").addresses.at(0).text(), "fd00::1");
    EXPECT_EQ(listen("localhost:9").addresses.size(), 2U);
    EXPECT_TRUE(listen("localhost:9").v6_may_lack);
    EXPECT_FALSE(listen("[::1]:9").v6_may_lack);
}

TEST(Options, ListenMayBeSaidSeveralTimes) {
    const auto all =
        parse({"serve", "/a", "--listen", "10.0.0.1:7", "--listen=[::1]:8"}).serve.listen;
    ASSERT_EQ(all.size(), 2U);
    EXPECT_EQ(all[0].port, 7);
    EXPECT_EQ(all[1].port, 8);
    const ConfigFile file{"directories = \"/a\"\nlisten = [\":7\", \":8\"]\n"};
    EXPECT_EQ(parse({"serve", "--config", file.path()}).serve.listen.size(), 2U);
    const ConfigFile number{"directories = \"/a\"\nlisten = 2050\n"};
    EXPECT_EQ(parse({"serve", "--config", number.path()}).serve.listen.at(0).port, 2050);
}

TEST(Options, ClientsAreThoseOfAnExportsFile) {
    const auto clients = parse({"serve", "/a", "--clients", "*", "--clients", "10.0.0.0/8",
                                "--clients=@group", "--clients", "*.lab"})
                             .serve.clients;
    std::string text;
    for (const auto& client : clients) text += client.text() + " ";
    EXPECT_EQ(text, "* 10.0.0.0/8 @group *.lab ");
    EXPECT_EQ(refusal({"serve", "/a", "--clients", "10.0.0.0/33"}),
              "--clients 10.0.0.0/33: expected a length from 0 to 32 or a netmask as 255.255.255.0 "
              "after the '/'");
    EXPECT_EQ(refusal({"serve", "/a", "--clients", "all"}),
              "--clients all: everyone is written as '*'");
    EXPECT_EQ(refusal({"serve", "/a", "--clients", "10.0.0.0/8,host"}),
              "--clients 10.0.0.0/8,host: expected one client; give --clients once for each");
    EXPECT_EQ(refusal({"serve", "/a", "--clients", "10.0.0.1-10.0.0.5"}),
              "--clients 10.0.0.1-10.0.0.5: no range of addresses; expected a network as "
              "192.0.2.0/24");
    for (const auto* nobody : {"10.0.0.256", "host.7"})
        EXPECT_NE(refusal({"serve", "/a", "--clients", nobody}), "") << nobody;
    EXPECT_EQ(parse({"serve", "/a", "--clients", "host.example."}).serve.clients.size(), 1U);
    EXPECT_NE(refusal({"serve", "/a", "--clients", ""}), "");
    EXPECT_NE(refusal({"serve", "--clients", "*"}), "") << "an exports file says so itself";
}

TEST(Options, AFlagWithAValueMeansWhatItSays) {
    EXPECT_FALSE(parse({"serve", "/a", "--sync=false"}).serve.exports.sync);
    EXPECT_TRUE(parse({"serve", "/a", "--sync=true"}).serve.exports.sync);
    EXPECT_TRUE(parse({"serve", "/a", "--async=false"}).serve.exports.sync);
    EXPECT_FALSE(parse({"serve", "/a", "--read-only=false"}).serve.exports.read_only);
    EXPECT_EQ(parse({"serve", "/a", "--no-grace=false"}).serve.grace, std::chrono::seconds{45});
    EXPECT_NE(refusal({"serve", "/a", "--sync=maybe"}), "");
    const ConfigFile file{"directories = \"/a\"\nsync = false\n"};
    EXPECT_FALSE(parse({"serve", "--config", file.path()}).serve.exports.sync);
}

TEST(Options, MistakesNameWhatWasProbablyMeant) {
    const std::vector<std::pair<std::vector<const char*>, std::string>> mistakes{
        {{"srve", "/a"}, "berth has no command 'srve'; did you mean 'serve'?"},
        {{"completely", "wrong"}, "berth has no command 'completely'; 'berth help' lists them"},
        {{}, "expected a command; 'berth help' lists them"},
        {{"serve", "/a", "--sqash", "all"},
         "berth serve has no option '--sqash'; did you mean '--squash'?"},
        {{"serve", "/a", "--lissen=:1"},
         "berth serve has no option '--lissen=:1'; did you mean '--listen'?"},
        {{"serve", "/a", "--something-else"},
         "berth serve has no option '--something-else'; 'berth help serve' lists them"},
        {{"serve", "/a", "--no-read-only"},
         "berth serve has no option '--no-read-only'; write --read-only=false"},
        {{"serve", "/a", "--mem", "x"},
         "berth serve has no option '--mem'; did you mean '--memory'?"},
        {{"exports"}, "expected 'check' or 'explain' after 'berth exports'"},
        {{"exports", "chek"}, "berth exports has no command 'chek'; did you mean 'check'?"},
        {{"exports", "explain", "10.0.0.1"},
         "berth exports explain CLIENT PATH [OPTION...]: PATH is missing"},
        {{"exports", "explain", "10.0.0.1", "/a", "/b"},
         "'/b' is one argument too many: berth exports explain CLIENT PATH [OPTION...]"},
        {{"serve", "/a", "--memory"}, "--memory needs NAME"},
        {{"serve", "--memory", "--read-only"},
         "--memory needs NAME, and '--read-only' is an option"},
        {{"serve", "/a", "--squash", "some"}, "--squash some: expected none, root or all"},
        {{"serve", "/a", "--threads", "257"}, "--threads 257: expected a number from 1 to 256"},
        {{"serve", "/a", "--anon", "nobody"}, "--anon nobody: expected UID:GID, as 65534:65534"},
        {{"serve", "/a", "--anon", "4294967295:1"},
         "--anon 4294967295:1: expected ids of at most 4294967294"},
        {{"serve", "/a", "--anon", "1:4294967295"},
         "--anon 1:4294967295: expected ids of at most 4294967294"},
        {{"serve", ""}, "'': expected a directory"},
        {{"serve", "/a", "--state", ""}, "--state '': expected a directory"},
        {{"serve", "/a", "--listen", "70000"},
         "--listen 70000: '70000' is no port (expected 0 to 65535)"},
        {{"--listen", ":1", "serve", "/a"},
         "options stand behind the command: berth serve --listen"},
    };
    for (const auto& [arguments, expected] : mistakes) EXPECT_EQ(refusal(arguments), expected);
}

TEST(Options, HelpAndVersionAreFoundWhereverPeopleLook) {
    for (const auto& arguments :
         std::vector<std::vector<const char*>>{{"help"},
                                               {"--help"},
                                               {"-h"},
                                               {"help", "serve"},
                                               {"serve", "--help"},
                                               {"serve", "-h"},
                                               {"serve", "/a", "--help"},
                                               {"exports", "--help"},
                                               {"exports", "explain", "-h"}})
        EXPECT_EQ(parse(arguments).command, Command::help) << arguments.back();
    EXPECT_EQ(parse({"serve", "--help"}).topic, "serve");
    EXPECT_EQ(parse({"help", "exports", "explain"}).topic, "exports explain");
    EXPECT_EQ(parse({"exports", "--help"}).topic, "exports");
    EXPECT_EQ(parse({"serve", "--", "--odd"}).serve.directories, std::vector<std::string>{"--odd"});
    for (const auto* argument : {"version", "--version", "-V"})
        EXPECT_EQ(parse({argument}).command, Command::version) << argument;
    EXPECT_NE(help_about("").find("exports explain"), std::string::npos);
    EXPECT_NE(help_about("serve").find("Usage: berth serve [DIR...] [OPTION...]"),
              std::string::npos);
    EXPECT_NE(help_about("exports").find("berth exports check"), std::string::npos);
    EXPECT_THROW(std::ignore = help_about("serv"), UsageError);
}

TEST(Options, ExportsFilesAreNamedOrTheSystems) {
    using Paths = std::vector<boost::filesystem::path>;
    EXPECT_TRUE(parse({"serve"}).serve.exports_files.empty());
    EXPECT_EQ(parse({"serve", "--exports", "/e", "/a"}).serve.exports_files, Paths{"/e"});
    EXPECT_EQ(parse({"serve", "--exports", "/e", "/a"}).serve.directories,
              std::vector<std::string>{"/a"});
    EXPECT_EQ(parse({"serve", "--exports", "/e", "--exports", "/f"}).serve.exports_files,
              (Paths{"/e", "/f"}));
}

TEST(Options, ExportsCommandsTakeFilesClientAndPath) {
    using Paths = std::vector<boost::filesystem::path>;
    auto parsed = parse({"exports", "check"});
    EXPECT_EQ(parsed.command, Command::check_exports);
    EXPECT_TRUE(parsed.exports.files.empty());
    EXPECT_EQ(parse({"exports", "check", "/e", "/f"}).exports.files, (Paths{"/e", "/f"}));
    parsed = parse({"exports", "explain", "192.0.2.7", "/srv/x", "--exports", "/e"});
    EXPECT_EQ(parsed.command, Command::explain_exports);
    EXPECT_EQ(parsed.exports.client, "192.0.2.7");
    EXPECT_EQ(parsed.exports.path, "/srv/x");
    EXPECT_EQ(parsed.exports.files, Paths{"/e"});
}

TEST(Options, WrongOnesAreNamedInOneLine) {
    const std::vector<std::vector<const char*>> wrong{
        {"serve", "--read-only"},
        {"serve", "--exports", "/e", "--squash", "all"},
        {"serve", "--exports", "/e", "--async"},
        {"exports"},
        {"exports", "frob"},
        {"exports", "explain", "192.0.2.7"},
        {"exports", "explain", "192.0.2.7", "/srv", "/more"},
        {},
        {"frob"},
        {"serve", "/a", "--frob"},
        {"serve", "/a", "--listen", "here:1"},
        {"serve", "/a", "--listen", ":65536"},
        {"serve", "/a", "--listen", ":-1"},
        {"serve", "/a", "--squash", "some"},
        {"serve", "/a", "--anon", "nobody"},
        {"serve", "/a", "--anon", "1:"},
        {"serve", "/a", "--threads", "0"},
        {"serve", "/a", "--workers", "many"},
        {"serve", "/a", "--portmap", "maybe"},
        {"serve", "/a", "--log-level", "loud"},
        {"serve", "/a", "--sync", "--async"},
        {"serve", "/a", "--config", "/does/not/exist"},
    };
    for (const auto& arguments : wrong) {
        const auto text = refusal(arguments);
        EXPECT_FALSE(text.empty()) << (arguments.empty() ? "nothing" : arguments.back());
        EXPECT_EQ(text.find('\n'), std::string::npos) << text;
    }
}

TEST(Options, IdsAreMappedByRanges) {
    const auto text_of = [](const exports::IdMap& map) {
        std::string text;
        for (const auto& range : map.ranges()) text += range.text() + " ";
        return text;
    };
    const auto line = parse({"serve", "/a", "--map-uid", "0-9:100", "--map-uid=10:5", "/b"}).serve;
    EXPECT_EQ(text_of(line.exports.users), "0-9:100 10:5 ");
    EXPECT_TRUE(line.exports.groups.empty());
    EXPECT_EQ(line.directories, (std::vector<std::string>{"/a", "/b"}));
    const ConfigFile file{"directories = [\"/a\"]\nmap-uid = \"0:7\"\n"
                          "map-gid = [\"0:8\", \"1:9\"]\n"};
    const auto serve = parse({"serve", "--config", file.path()}).serve;
    EXPECT_EQ(text_of(serve.exports.users), "0:7 ");
    EXPECT_EQ(text_of(serve.exports.groups), "0:8 1:9 ");
    EXPECT_THROW(parse({"serve", "/a", "--map-gid", "1000"}), UsageError);
    EXPECT_THROW(parse({"serve", "/a", "--map-gid", "1:1", "--map-gid", "1:2"}), UsageError);
    EXPECT_THROW(parse({"serve", "--exports", "/e", "--map-uid", "1:1"}), UsageError);
}

}  // namespace
}  // namespace berth::server
