// What the command line and the configuration file come to, and what is refused.
#include "server/options.hpp"

#include <fstream>
#include <string>
#include <vector>

#include <unistd.h>

#include <boost/filesystem/operations.hpp>
#include <boost/filesystem/path.hpp>
#include <gtest/gtest.h>

namespace berth::server {
namespace {

CommandLine parse(std::vector<const char*> arguments) {
    arguments.insert(arguments.begin(), "berth");
    return parse_command_line(static_cast<int>(arguments.size()), arguments.data());
}

std::string refusal(const std::vector<const char*>& arguments) {
    try {
        parse(arguments);
    } catch (const UsageError& error) {
        return error.what();
    }
    return "";
}

/// A file that is gone with the test.
class ConfigFile {
public:
    explicit ConfigFile(const std::string& text)
        : path_(boost::filesystem::temp_directory_path() /
                ("berth-config-" + std::to_string(::getpid()))) {
        std::ofstream{path_} << text;
    }
    ~ConfigFile() { boost::filesystem::remove(path_); }
    ConfigFile(const ConfigFile&) = delete;
    ConfigFile& operator=(const ConfigFile&) = delete;
    [[nodiscard]] const char* path() const { return path_.c_str(); }

private:
    boost::filesystem::path path_;
};

TEST(Options, DefaultsAreTheSafeOnes) {
    const auto parsed = parse({"serve", "/srv"});
    EXPECT_EQ(parsed.command, Command::serve);
    EXPECT_EQ(parsed.serve.directories, std::vector<std::string>{"/srv"});
    EXPECT_EQ(parsed.serve.listen.port, 2049);
    EXPECT_TRUE(parsed.serve.listen.addresses.empty());
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
    ASSERT_EQ(serve.listen.addresses.size(), 1U);
    EXPECT_TRUE(serve.listen.addresses[0].is_loopback());
    EXPECT_EQ(serve.listen.port, 0);
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
    EXPECT_EQ(parse_size("--memory-max", "2G"), std::size_t{2} << 30);
    EXPECT_EQ(parse_size("--memory-max", "65536K"), std::size_t{64} << 20);
    EXPECT_EQ(parse_size("--memory-max", "33554432"), std::size_t{32} << 20);
    for (const auto* wrong : {"M", "12T", "1.5G", "-1", "99999999999G", "0x10M", "64 M"})
        EXPECT_EQ(refusal({"serve", "/a", "--memory-max", wrong}),
                  "--memory-max " + std::string{wrong} +
                      ": expected a number of bytes, as 512M or 2G");
    EXPECT_EQ(refusal({"serve", "/a", "--memory-max", "1M"}),
              "--memory-max 1M: that is too little; at least 16M are needed");
}

TEST(Options, LocksAsksARunningServer) {
    EXPECT_EQ(parse({"locks"}).command, Command::locks);
    EXPECT_EQ(parse({"locks"}).locks.request, "locks");
    EXPECT_FALSE(parse({"locks"}).locks.state);
    const auto release = parse({"locks", "release", "10.0.0.1", "--state", "/s"}).locks;
    EXPECT_EQ(release.request, "release 10.0.0.1");
    EXPECT_EQ(release.state, "/s");
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
    EXPECT_EQ(parse_listen_address("2050").port, 2050);
    EXPECT_TRUE(parse_listen_address("2050").addresses.empty());
    EXPECT_EQ(parse_listen_address(":2051").port, 2051);
    EXPECT_EQ(parse_listen_address("*:2052").port, 2052);
    EXPECT_EQ(parse_listen_address("10.1.2.3").addresses.at(0).text(), "10.1.2.3");
    EXPECT_EQ(parse_listen_address("10.1.2.3").port, 2049);
    EXPECT_EQ(parse_listen_address("10.1.2.3:7").port, 7);
    EXPECT_EQ(parse_listen_address("[fd00::1]:8").addresses.at(0).text(), "fd00::1");
    EXPECT_EQ(parse_listen_address("[fd00::1]:8").port, 8);
    EXPECT_EQ(parse_listen_address("fd00::1").addresses.at(0).text(), "fd00::1");
    EXPECT_EQ(parse_listen_address("[fd00::1]").addresses.at(0).text(), "fd00::1");
    EXPECT_EQ(parse_listen_address("localhost:9").addresses.size(), 2U);
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

TEST(Options, FileGivesWhatFlagsDoNot) {
    const ConfigFile file{"listen = \":3000\"\nread-only = true\nsquash = \"none\"\n"
                          "directories = [\"/from/file\"]\nmemory = [\"m\"]\nworkers = 7\n"
                          "manage-gids = true\n"};
    const auto serve = parse({"serve", "--config", file.path(), "--squash", "all"}).serve;
    EXPECT_EQ(serve.listen.port, 3000);
    EXPECT_TRUE(serve.exports.read_only);
    EXPECT_EQ(serve.exports.squash, exports::Squash::all);
    EXPECT_EQ(serve.directories, std::vector<std::string>{"/from/file"});
    EXPECT_EQ(serve.memory_names, std::vector<std::string>{"m"});
    EXPECT_EQ(serve.workers, 7U);
    EXPECT_TRUE(serve.manages_groups);
    EXPECT_FALSE(parse({"serve", "/a"}).serve.manages_groups);
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

TEST(Options, FileNamesExportsFiles) {
    using Paths = std::vector<boost::filesystem::path>;
    const ConfigFile one{"exports = \"/e\"\n"};
    EXPECT_EQ(parse({"serve", "--config", one.path()}).serve.exports_files, Paths{"/e"});
    EXPECT_EQ(parse({"serve", "--config", one.path(), "--exports", "/f"}).serve.exports_files,
              Paths{"/f"});
    const ConfigFile several{"exports = [\"/e\", \"/f\"]\nworkers = 3\n"};
    EXPECT_EQ(parse({"serve", "--config", several.path()}).serve.exports_files,
              (Paths{"/e", "/f"}));
}

TEST(Options, FlagsOutdoTheFileInEveryWay) {
    const ConfigFile file{"listen = \":3000\"\nasync = true\ndirectories = [\"/from/file\"]\n"};
    const auto serve =
        parse({"serve", "/flag", "--sync", "--listen", ":4000", "--config", file.path()}).serve;
    EXPECT_EQ(serve.listen.port, 4000);
    EXPECT_TRUE(serve.exports.sync);
    EXPECT_EQ(serve.directories, std::vector<std::string>{"/flag"});
}

TEST(Options, FileGivesEveryFlag) {
    const ConfigFile file{"directories = \"/a\"\nno-grace = true\nread-only = false\n"};
    const auto serve = parse({"serve", "--config", file.path()}).serve;
    EXPECT_EQ(serve.grace, std::chrono::seconds{0});
    EXPECT_FALSE(serve.exports.read_only);
    EXPECT_EQ(serve.directories, std::vector<std::string>{"/a"});
    EXPECT_EQ(parse({"serve", "--config", file.path(), "--grace", "7"}).serve.grace,
              std::chrono::seconds{7});
}

TEST(Options, FileErrorsNameFileAndLine) {
    const std::vector<std::pair<std::string, std::string>> wrong{
        {"read-only = true\nlissen = \":1\"\n", ":2: there is no option 'lissen'"},
        {"threads = [1]\n", ":1: 'threads' expects"},
        {"\n\nlisten = \n", ":3: "},
        {"directories = 1\n", ":1: 'directories' expects a string or a list"},
        {"directories = [1]\n", ":1: 'directories' expects a string or a list"},
        {"no-grace = \"yes\"\n", ":1: 'no-grace' expects true or false"},
        {"config = \"/c\"\n", ":1: there is no option 'config'"},
        {"squash = true\n", ":1: 'squash' expects"},
    };
    for (const auto& [text, expected] : wrong) {
        const ConfigFile file{text};
        const auto said = refusal({"serve", "/a", "--config", file.path()});
        EXPECT_NE(said.find(file.path() + expected), std::string::npos) << said;
        EXPECT_EQ(said.find('\n'), std::string::npos) << said;
    }
}

}  // namespace
}  // namespace berth::server
