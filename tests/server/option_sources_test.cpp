// Options from the configuration file and the environment, and which of several sources counts.
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include <boost/filesystem/path.hpp>
#include <gtest/gtest.h>

#include "tests/server/command_line.hpp"

namespace berth::server {
namespace {

/// A variable of the environment, for the test.
class Variable {
public:
    Variable(const char* name, const char* value) : name_(name) { ::setenv(name, value, 1); }
    ~Variable() { ::unsetenv(name_); }
    Variable(const Variable&) = delete;
    Variable& operator=(const Variable&) = delete;

private:
    const char* name_;
};

TEST(OptionSources, TheEnvironmentLiesBetweenFlagsAndFile) {
    const Variable directories{"BERTH_DIRECTORIES", "/e,/f"};
    const Variable listen{"BERTH_LISTEN", ":7"};
    const Variable squash{"BERTH_SQUASH", "all"};
    const Variable sync{"BERTH_ASYNC", "true"};
    const Variable service{"BERTH_PORT", "tcp://10.0.0.1:2049"};  // by a Kubernetes service
    const ConfigFile file{"listen = \":9\"\nsync = true\nworkers = 7\n"};
    const auto serve = parse({"serve", "--squash", "none", "--config", file.path()}).serve;
    EXPECT_EQ(serve.directories, (std::vector<std::string>{"/e", "/f"}));
    EXPECT_EQ(serve.listen.at(0).port, 7);
    EXPECT_EQ(serve.exports.squash, exports::Squash::none);
    EXPECT_FALSE(serve.exports.sync);
    EXPECT_EQ(serve.workers, 7U);
    EXPECT_EQ(parse({"serve", "/a"}).serve.directories, std::vector<std::string>{"/a"});
    const Variable wrong{"BERTH_WORKERS", "many"};
    EXPECT_EQ(refusal({"serve", "/a"}), "BERTH_WORKERS=many: expected a number from 1 to 1024");
}

TEST(OptionSources, AnEmptyVariableIsNotTheDefault) {
    for (const auto* name : {"BERTH_CLIENTS", "BERTH_LISTEN", "BERTH_READ_ONLY", "BERTH_STATE"}) {
        const Variable empty{name, ""};
        EXPECT_EQ(refusal({"serve", "/a"}),
                  std::string{name} + " is empty: unset it for the default, or give it a value");
    }
    const Variable empty_part{"BERTH_CLIENTS", "10.0.0.1,"};
    EXPECT_NE(refusal({"serve", "/a"}), "");
}

TEST(OptionSources, VariablesThatAreNoOptionsAreDoubted) {
    const std::vector<std::pair<const char*, std::string>> mistyped{
        {"BERTH_CLIENT", "; did you mean BERTH_CLIENTS?"},
        {"BERTH_READONLY", "; did you mean BERTH_READ_ONLY?"},
        {"BERTH_DIR", "; did you mean BERTH_DIRECTORIES?"},
        {"BERTH_QUITE_ANOTHER", "; berth(8) lists those that are"},
        {"BERTH_", "; berth(8) lists those that are"},
    };
    for (const auto& [name, hint] : mistyped) {
        const Variable variable{name, "10.0.0.1"};
        EXPECT_EQ(parse({"serve", "/a"}).serve.doubts,
                  std::vector{name + (" is no option of berth, and changes nothing" + hint)});
    }
    const Variable port{"BERTH_PORT", "3049"};
    EXPECT_EQ(parse({"serve", "/a"}).serve.doubts,
              std::vector<std::string>{"BERTH_PORT is no option of berth, and changes nothing; did "
                                       "you mean BERTH_LISTEN=:3049?"});
}

TEST(OptionSources, VariablesOfAServiceCalledBerthAreNotDoubted) {
    const Variable host{"BERTH_SERVICE_HOST", "10.0.0.1"};
    const Variable port{"BERTH_SERVICE_PORT", "2049"};
    const Variable named_port{"BERTH_SERVICE_PORT_NFS", "2049"};
    const Variable link{"BERTH_PORT", "tcp://10.0.0.1:2049"};
    const Variable part{"BERTH_PORT_2049_TCP", "tcp://10.0.0.1:2049"};
    const Variable address{"BERTH_PORT_2049_TCP_ADDR", "10.0.0.1"};
    EXPECT_TRUE(parse({"serve", "/a"}).serve.doubts.empty());
}

TEST(OptionSources, OtherCommandsAskTheSameServerAndReadTheSameFiles) {
    const Variable state{"BERTH_STATE", "/s"};
    const Variable exports{"BERTH_EXPORTS", "/e,/f"};
    const Variable unlike{"BERTH_CLIENT", "10.0.0.9"};
    using Paths = std::vector<boost::filesystem::path>;
    EXPECT_EQ(parse({"locks"}).locks.state, "/s");
    EXPECT_EQ(parse({"locks", "--state", "/t"}).locks.state, "/t");
    EXPECT_EQ(parse({"locks", "release", "c"}).locks.state, "/s");
    EXPECT_EQ(parse({"exports", "check"}).exports.files, (Paths{"/e", "/f"}));
    EXPECT_EQ(parse({"exports", "check", "/g"}).exports.files, Paths{"/g"});
    EXPECT_EQ(parse({"exports", "explain", "c", "/p"}).exports.files, (Paths{"/e", "/f"}));
    EXPECT_EQ(parse({"exports", "explain", "c", "/p"}).exports.client, "c");
    EXPECT_EQ(parse({"help"}).topic, "");
}

TEST(OptionSources, FileGivesWhatFlagsDoNot) {
    const ConfigFile file{"listen = \":3000\"\nread-only = true\nsquash = \"none\"\n"
                          "directories = [\"/from/file\"]\nmemory = [\"m\"]\nworkers = 7\n"
                          "manage-gids = true\n"};
    const auto serve = parse({"serve", "--config", file.path(), "--squash", "all"}).serve;
    EXPECT_EQ(serve.listen.at(0).port, 3000);
    EXPECT_TRUE(serve.exports.read_only);
    EXPECT_EQ(serve.exports.squash, exports::Squash::all);
    EXPECT_EQ(serve.directories, std::vector<std::string>{"/from/file"});
    EXPECT_EQ(serve.memory_names, std::vector<std::string>{"m"});
    EXPECT_EQ(serve.workers, 7U);
    EXPECT_TRUE(serve.manages_groups);
    EXPECT_FALSE(parse({"serve", "/a"}).serve.manages_groups);
}

TEST(OptionSources, FileNamesExportsFiles) {
    using Paths = std::vector<boost::filesystem::path>;
    const ConfigFile one{"exports = \"/e\"\n"};
    EXPECT_EQ(parse({"serve", "--config", one.path()}).serve.exports_files, Paths{"/e"});
    EXPECT_EQ(parse({"serve", "--config", one.path(), "--exports", "/f"}).serve.exports_files,
              Paths{"/f"});
    const ConfigFile several{"exports = [\"/e\", \"/f\"]\nworkers = 3\n"};
    EXPECT_EQ(parse({"serve", "--config", several.path()}).serve.exports_files,
              (Paths{"/e", "/f"}));
}

TEST(OptionSources, FlagsOutdoTheFileInEveryWay) {
    const ConfigFile file{"listen = \":3000\"\nasync = true\ndirectories = [\"/from/file\"]\n"};
    const auto serve =
        parse({"serve", "/flag", "--sync", "--listen", ":4000", "--config", file.path()}).serve;
    EXPECT_EQ(serve.listen.at(0).port, 4000);
    EXPECT_TRUE(serve.exports.sync);
    EXPECT_EQ(serve.directories, std::vector<std::string>{"/flag"});
}

TEST(OptionSources, FileGivesEveryFlag) {
    const ConfigFile file{"directories = \"/a\"\nno-grace = true\nread-only = false\n"};
    const auto serve = parse({"serve", "--config", file.path()}).serve;
    EXPECT_EQ(serve.grace, std::chrono::seconds{0});
    EXPECT_FALSE(serve.exports.read_only);
    EXPECT_EQ(serve.directories, std::vector<std::string>{"/a"});
    EXPECT_EQ(parse({"serve", "--config", file.path(), "--grace", "7"}).serve.grace,
              std::chrono::seconds{7});
}

TEST(OptionSources, FileErrorsNameFileAndLine) {
    const std::vector<std::pair<std::string, std::string>> wrong{
        {"read-only = true\nlissen = \":1\"\n",
         ":2: there is no option 'lissen'; did you mean 'listen'?"},
        {"\nsquash = \"some\"\n", ":2: squash = some: expected none, root or all"},
        {"threads = [1]\n", ":1: 'threads' expects"},
        {"\n\nlisten = \n", ":3: "},
        {"directories = 1\n", ":1: 'directories' expects a string or a list"},
        {"directories = [1]\n", ":1: 'directories' expects a string or a list"},
        {"no-grace = \"yes\"\n", ":1: 'no-grace' expects true or false"},
        {"config = \"/c\"\n", ":1: there is no option 'config'"},
        {"clients = []\n", ":1: 'clients' expects at least one; leave the key out"},
        {"listen = []\n", ":1: 'listen' expects at least one; leave the key out"},
        {"clients = \"\"\n", ":1: clients = : expected"},
        {"squash = true\n", ":1: 'squash' expects"},
        {"state = \"/s\\u0000b\"\n", ":1: 'state' expects a text without NUL"},
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
