// MNT, EXPORTALL and PATHCONF of versions 1 and 2: RFC 1094 Appendix A, and what is in no RFC.
#include <climits>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nfs/vfs/memory.hpp"
#include "nfs/vfs/posix.hpp"
#include "tests/mount/fixture.hpp"
#include "tests/support/forwarding.hpp"
#include "tests/support/temporary_directory.hpp"

namespace berth::mount {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

class OldMountService : public MountService {
protected:
    PathConfiguration::Result configuration(std::string_view path) {
        return caller(2).call<PathConfiguration>({path});
    }
    /// The answer to this, as bytes.
    std::string configuration_hex(std::string_view path) {
        auto asking = caller(2);
        EXPECT_EQ(asking.invoke(7, test::encoded(AskedPath{path})), rpc::Outcome::success);
        return test::hex_of(asking.results());
    }
};

/// Says of itself what it is told to say.
class Limited final : public vfs::forwarding::FileSystem {
public:
    explicit Limited(const vfs::Limits& limits)
        : FileSystem(vfs::memory::make()),
          limits_(limits) {}

    [[nodiscard]] vfs::Limits limits() const override { return limits_; }

private:
    vfs::Limits limits_;
};

/// Ten words, of which only the last but one says something: there is no answer.
const std::string refused_hex = std::string(64, '0') + "00000001" + "00000000";

TEST_F(OldMountService, MountGivesNoHandle) {
    for (const std::uint32_t version : {1U, 2U}) {
        auto asking = caller(version);
        for (const auto* const path : {"/srv", "/srv/open/deep"}) {
            const auto result = asking.call<Mount1>({std::string_view{path}});
            EXPECT_EQ(result.discriminant(), 13U) << path;
            EXPECT_EQ(asking.results(), test::bytes_of_hex("0000000d"));
        }
    }
    EXPECT_THAT(mounts.all(), IsEmpty());
}

TEST_F(OldMountService, MountSaysWhatElseIsWrong) {
    const std::pair<std::string, std::uint32_t> table[]{
        {"", 13},
        {"/", 13},
        {"srv", 13},
        {"/srvx", 13},
        {"/srv/../srv", 13},
        {"/srv/missing", 2},
        {"/srv/missing/deep", 2},
        {"/srv/file", 20},
        {"/srv/file/deep", 20},
        {"/srv/link", 13},
        {"/srv/out/etc", 13},
        {"/srv/" + std::string(256, 'x'), 63},
        {"/srv" + std::string(path_bytes_max, '/'), 63},
    };
    for (const std::uint32_t version : {1U, 2U})
        for (const auto& [path, expected] : table)
            EXPECT_EQ(error_number(version, path), expected) << version << " " << path;
}

TEST_F(OldMountService, MountSaysWhatTheFileSystemDoes) {
    const std::pair<std::errc, std::uint32_t> table[]{
        {vfs::stale, 2},
        {std::errc::permission_denied, 13},
        {std::errc::operation_not_permitted, 1},
        {std::errc::io_error, 5},
        {std::errc::too_many_files_open, 5},  // UNIX's own numbers end before "server fault"
    };
    for (const auto& [error, expected] : table) {
        outer->inject({.error = error, .times = 2});
        EXPECT_EQ(error_number(1, "/srv/open"), expected) << static_cast<int>(error);
        EXPECT_EQ(configuration_hex("/srv/open"), refused_hex);
        outer->clear();
    }
}

TEST_F(OldMountService, MountTellsWhoMayNotAskNothing) {
    export_all("/srv 192.0.2.9\n/srv/inner *\n");
    for (const auto* const path : {"/srv", "/srv/open", "/srv/missing", "/srv/file"})
        EXPECT_EQ(error_number(1, path), 13U) << path;
    auto asking = caller(1);
    asking.from.port = 1024;
    EXPECT_EQ(asking.call<Mount1>({std::string_view{"/srv/inner"}}).discriminant(), 1U);
}

TEST_F(OldMountService, ExportAllIsExport) {
    export_all("/srv *.lab.example 192.0.2.0/24\n/srv/inner *\n");
    for (const std::uint32_t version : {1U, 2U}) {
        auto asking = caller(version);
        ASSERT_EQ(asking.invoke(5, {}), rpc::Outcome::success);
        const auto exported = asking.results();
        EXPECT_THAT(asking.call<ExportAll>({}).items, SizeIs(2));
        EXPECT_EQ(asking.results(), exported);
    }
}

TEST_F(OldMountService, PathConfigurationIsTenWords) {
    EXPECT_EQ(configuration_hex("/srv/open"),
              test::hex_of(test::bytes_of_hex("00007d00"           // links: 32000
                                              "00000000 00000000"  // a terminal's line, input
                                              "000000ff"           // a name: 255
                                              "00001000"           // a path: 4096
                                              "00000000"           // a pipe
                                              "00000000 00000000"  // a character; nothing
                                              "000003cc"           // see below
                                              "00000000")));       // nothing
}

// What the two numberings of pathconf's names make of the bits.
TEST_F(OldMountService, SunOsAndSolarisReadTheSame) {
    const auto answer = configuration("/srv");
    const auto has = [&](int bit) { return (answer.mask[0] >> bit & 1) != 0; };
    EXPECT_FALSE(has(0)) << "an answer";
    for (const int counts : {1, 4, 5}) EXPECT_FALSE(has(counts)) << "links, names, paths";
    for (const int does_not : {2, 3, 6}) EXPECT_TRUE(has(does_not)) << "terminals, pipes";
    struct {
        int restricts_chown, refuses_long_names, no_character;
    } const sun_os{7, 8, 9}, solaris{9, 7, 8};
    for (const auto& reader : {sun_os, solaris}) {
        EXPECT_TRUE(has(reader.restricts_chown));
        EXPECT_TRUE(has(reader.refuses_long_names));
        EXPECT_TRUE(has(reader.no_character));
    }
    for (int bit = 10; bit < 32; ++bit) EXPECT_FALSE(has(bit));
}

TEST_F(OldMountService, PathConfigurationIsTrueForARealDirectory) {
    const test::TemporaryDirectory directory;
    exports.replace(
        {exports::make_export("/srv", vfs::posix::open(directory.path().string()).value())});
    const auto answer = configuration("/srv");
    EXPECT_EQ(answer.links_max, ::pathconf(directory.path().c_str(), _PC_LINK_MAX));
    EXPECT_EQ(answer.name_bytes_max, ::pathconf(directory.path().c_str(), _PC_NAME_MAX));
    EXPECT_EQ(answer.path_bytes_max, ::pathconf(directory.path().c_str(), _PC_PATH_MAX));
}

TEST_F(OldMountService, FiguresThatDoNotFitAreTheLargestThatDo) {
    exports.replace({exports::make_export(
        "/srv",
        std::make_shared<Limited>(vfs::Limits{.name_bytes_max = 65535, .links_max = UINT32_MAX}))});
    EXPECT_EQ(configuration("/srv").links_max, INT32_MAX);
    EXPECT_EQ(configuration("/srv").name_bytes_max, INT16_MAX);
}

TEST_F(OldMountService, PathConfigurationIsThatOfTheLongestExport) {
    const auto limited = std::make_shared<Limited>(vfs::Limits{.links_max = 7});
    exports.replace(
        {exports::make_export("/srv", outer), exports::make_export("/srv/inner", limited)});
    EXPECT_EQ(configuration("/srv/inner").links_max, 7);
    EXPECT_EQ(configuration("/srv/open").links_max, 32000);
}

TEST_F(OldMountService, WhatCanNotBeMountedHasNoConfiguration) {
    for (const std::string& path :
         {std::string{"/"}, std::string{}, std::string{"/etc"}, std::string{"/srv/.."},
          std::string{"/srv/missing"}, std::string{"/srv/file"}, std::string{"/srv/out"},
          "/srv/" + std::string(256, 'x'), std::string(1 << 20, '/')})
        EXPECT_EQ(configuration_hex(path), refused_hex) << path.substr(0, 40);
}

TEST_F(OldMountService, WhoMayNotMountIsToldNothing) {
    export_all("/srv 192.0.2.9\n/srv/inner *\n");
    for (const auto* const path : {"/srv", "/srv/open", "/srv/missing", "/srv/file"})
        EXPECT_EQ(configuration_hex(path), refused_hex) << path;
    EXPECT_NE(configuration_hex("/srv/inner"), refused_hex);
    auto asking = caller(2);
    asking.from.port = 1024;
    EXPECT_EQ(asking.call<PathConfiguration>({std::string_view{"/srv/inner"}}).mask[0],
              PathConfiguration::failed);
}

TEST_F(OldMountService, WhoAsksForAConfigurationHasMountedNothing) {
    configuration("/srv");
    EXPECT_THAT(mounts.all(), IsEmpty());
}

}  // namespace
}  // namespace berth::mount
