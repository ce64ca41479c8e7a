// What is opened for exports files, what stays open when they are read again, and what is refused.
#include "server/export_trees.hpp"

#include <fstream>
#include <functional>
#include <future>
#include <string>
#include <system_error>
#include <thread>

#include <poll.h>

#include <boost/filesystem/operations.hpp>
#include <cap-ng.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/exports_files.hpp"
#include "server/following.hpp"
#include "tests/support/temporary_directory.hpp"

namespace berth::server {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

class ExportTreesTest : public testing::Test {
protected:
    ExportTreesTest() {
        for (const auto* name : {"a", "b"}) boost::filesystem::create_directory(path(name));
        options.exports_files = {path("exports")};
    }
    [[nodiscard]] std::string path(const std::string& name) const {
        return (directory.path() / name).string();
    }
    void write(const std::string& text) const { std::ofstream{path("exports")} << text; }
    ExportTrees::Opening open() const { return trees.open(options); }
    [[nodiscard]] std::string refusal() const {
        try {
            open();
        } catch (const UsageError& error) {
            return error.what();
        }
        return "";
    }

    test::TemporaryDirectory directory;
    StateDirectory state{directory.path() / "state"};
    ExportTrees trees{state, 1000};
    ServeOptions options;
};

TEST_F(ExportTreesTest, FilesDirectoriesAndMemoryAreOneTable) {
    write(path("a") + " 192.0.2.1(rw)\n");
    options.directories = {path("b") + "/"};
    options.memory_names = {"m"};
    const auto opening = open();
    ASSERT_THAT(opening.exports, SizeIs(3));
    EXPECT_EQ(opening.exports[0].path, path("b"));
    EXPECT_FALSE(opening.exports[0].clients.all().front().sys->secure);
    EXPECT_EQ(opening.exports[1].path, path("a"));
    EXPECT_EQ(opening.exports[1].clients.all().front().where.text(),
              path("exports") + ":1:" + std::to_string(path("a").size() + 2));
    EXPECT_EQ(opening.exports[2].path, "/m");
}

TEST_F(ExportTreesTest, DirectoriesAreForPrivateAddressesUnlessItIsSaidWhom) {
    options.exports_files.clear();
    options.directories = {path("a")};
    options.memory_names = {"m"};
    const auto is_let_in = [&](const char* address) -> bool {
        const auto opening = open();
        const auto client = *exports::ClientAddress::parse(address);
        std::vector<bool> all;
        for (const auto& exported : opening.exports)
            all.push_back(exported.clients.find(client, [](auto) { return false; }) != nullptr);
        EXPECT_EQ(all.front(), all.back()) << "DIR and --memory";
        return all.front();
    };
    for (const auto* near : {"127.0.0.1", "127.9.9.9", "::1", "10.255.0.1", "172.16.0.1",
                             "172.31.255.255", "192.168.7.7", "100.64.0.1", "100.127.255.255",
                             "169.254.1.1", "fd00::1", "fc00::1", "fe80::1"})
        EXPECT_TRUE(is_let_in(near)) << near;
    for (const auto* far :
         {"128.0.0.1", "9.255.255.255", "11.0.0.1", "172.15.0.1", "172.32.0.1", "192.167.0.1",
          "192.169.0.1", "100.63.255.255", "100.128.0.0", "169.253.0.1", "203.0.113.9",
          "2001:db8::1", "fb00::1", "fec0::1", "::2"})
        EXPECT_FALSE(is_let_in(far)) << far;
    options.clients = {exports::ClientPattern{}};
    EXPECT_TRUE(is_let_in("203.0.113.9"));
}

TEST_F(ExportTreesTest, WhatIsStillTheSameStaysOpen) {
    options.memory_names = {"m"};
    write(path("a") + " *\n" + path("b") + " *\n");
    const auto first = open();
    trees.keep(first);
    boost::filesystem::rename(path("b"), path("old b"));
    boost::filesystem::create_directory(path("b"));
    write(path("b") + " *(rw)\n" + path("a") + " 192.0.2.1(rw,all_squash)\n");
    const auto second = open();
    ASSERT_THAT(second.exports, SizeIs(3));
    EXPECT_EQ(second.exports[1].files, first.exports[0].files) << "the same directory";
    EXPECT_EQ(second.exports[1].id, first.exports[0].id);
    EXPECT_NE(second.exports[0].files, first.exports[1].files) << "another one at its path";
    EXPECT_EQ(second.exports[0].id, first.exports[1].id);
    EXPECT_EQ(second.exports[2].files, first.exports[2].files) << "the tree in RAM";
}

// As a container's root, which may not open the kernel's handles. Capabilities are each thread's
// own.
void without_handles(const std::function<void()>& body) {
    std::thread{[&] {
        capng_get_caps_process();
        capng_updatev(CAPNG_DROP, static_cast<capng_type_t>(CAPNG_EFFECTIVE | CAPNG_PERMITTED),
                      CAP_DAC_READ_SEARCH, CAP_SYS_ADMIN, -1);
        ASSERT_EQ(capng_apply(CAPNG_SELECT_CAPS), 0);
        body();
    }}.join();
}

TEST_F(ExportTreesTest, WhatComesBackHasTheJournalOfNamesAtOnce) {
    without_handles([this] {
        constexpr vfs::Caller caller{.patience = vfs::Patience::ample};
        const auto exchange = [this] {
            boost::filesystem::rename(path("b"), path("aside"));
            boost::filesystem::rename(path("a"), path("b"));
            boost::filesystem::rename(path("aside"), path("a"));
        };
        const auto reload = [this] {
            auto opening = open();
            trees.keep(opening);
            return opening.exports.front().files;
        };
        write(path("a") + " *\n");
        const auto of_first = reload()->root().value()->create(caller, "f", {}).value()->id();
        exchange();
        const auto of_second = reload()->root().value()->create(caller, "g", {}).value()->id();
        exchange();
        const auto files = reload();
        EXPECT_TRUE(files->find(of_first, vfs::Patience::ample));
        EXPECT_FALSE(files->find(of_second, vfs::Patience::ample));
        exchange();
        EXPECT_TRUE(reload()->find(of_second, vfs::Patience::ample));
        EXPECT_TRUE(boost::filesystem::exists(directory.path() / "state/names"));
    });
}

TEST_F(ExportTreesTest, WhatCanNotBeIsNamedWithItsPlace) {
    write("\n" + path("absent") + " *\n");
    EXPECT_THAT(refusal(), StartsWith(path("exports") + ":2:1: " + path("absent")));
    write(path("a") + " *(rwx)\n" + path("b") + " h(\n");
    EXPECT_THAT(refusal(), StartsWith(path("exports") + ":1:"));
    EXPECT_THAT(refusal(),
                HasSubstr("'rwx': there is no such option; did you mean 'rw'? (and 1 more"));
    boost::filesystem::remove(path("exports"));
    EXPECT_THAT(refusal(), StartsWith(path("exports") + ": No such file"));
    boost::filesystem::create_directory(path("exports"));
    EXPECT_THAT(refusal(), StartsWith(path("exports") + ": it is a directory"));
}

TEST_F(ExportTreesTest, ADirectoryIsExportedByOneOfTheWays) {
    write(path("a") + " *\n");
    options.directories = {path("a")};
    EXPECT_THAT(refusal(), HasSubstr("'" + path("a") + "' is exported twice"));
}

TEST_F(ExportTreesTest, MountPointsDecideWhetherSomethingIsExported) {
    write(path("a") + " *(mountpoint)\n" + path("b") + " *(mountpoint=/proc)\n");
    const auto opening = open();
    ASSERT_THAT(opening.exports, SizeIs(1));
    EXPECT_EQ(opening.exports[0].path, path("b"));
    EXPECT_TRUE(is_mount_point("/proc"));
    EXPECT_FALSE(is_mount_point(path("a")));
    EXPECT_FALSE(is_mount_point(path("absent")));
}

TEST_F(ExportTreesTest, AReplacedDirectoryIsFollowedWhereAskedFor) {
    write(path("a") + " *\n" + path("b") + " *\n");
    const auto first = open();
    EXPECT_THAT(trees.keep(first), IsEmpty());
    for (const auto* name : {"a", "b"}) {
        boost::filesystem::rename(path(name), path(name) + " of before");
        boost::filesystem::create_directory(path(name));
    }
    EXPECT_FALSE(trees.look_again({}));
    const auto places = trees.places();
    const auto second = trees.look_again({path("b")});
    ASSERT_TRUE(second);
    EXPECT_EQ(second->exports[0].files, first.exports[0].files);
    EXPECT_NE(second->exports[1].files, first.exports[1].files);
    EXPECT_EQ(second->exports[1].id, first.exports[1].id);
    EXPECT_EQ(second->exports[1].fsid, first.exports[1].fsid);
    EXPECT_THAT(trees.keep(*second), ElementsAre(path("b")));
    EXPECT_EQ(trees.places().at(path("a")), places.at(path("a")));
    EXPECT_FALSE(trees.places().at(path("b")) == places.at(path("b")));
    EXPECT_FALSE(trees.look_again({path("b")})) << "it is the same by now";
}

TEST_F(ExportTreesTest, WhatCanNotBeFollowedStays) {
    write(path("a") + " *\n");
    const auto first = open();
    trees.keep(first);
    boost::filesystem::rename(path("a"), path("of before"));
    EXPECT_FALSE(trees.look_again({path("a")})) << "gone";
    boost::filesystem::create_directory_symlink(directory.path() / "state", path("a"));
    EXPECT_FALSE(trees.look_again({path("a")})) << "the state directory";
    EXPECT_FALSE(trees.look_again({path("no export")}));
}

TEST_F(ExportTreesTest, TheStateDirectoryIsNotExported) {
    for (const auto* name : {"state", "state/below"}) {
        boost::filesystem::create_directories(path(name));
        write(path(name) + " *\n");
        EXPECT_THAT(refusal(), HasSubstr("state directory")) << name;
    }
}

TEST_F(ExportTreesTest, OnlyWhatIsExportedIsRenewed) {
    write(path("a") + " *\n");
    trees.keep(open());
    Following following;
    EXPECT_TRUE(following.renew(path("a"))) << "nothing is known yet";
    following.answer(following.take(), trees.places());
    EXPECT_TRUE(following.renew(path("a")));
    EXPECT_TRUE(following.renew(path("no export")));
    EXPECT_THAT(following.take().paths, IsEmpty());
    boost::filesystem::rename(path("a"), path("of before"));
    EXPECT_EQ(following.renew(path("a")).error(), std::errc::no_such_file_or_directory);
    std::ofstream{path("a")} << "a file";
    EXPECT_EQ(following.renew(path("a")).error(), std::errc::not_a_directory);
    EXPECT_THAT(following.take().paths, IsEmpty());
}

TEST_F(ExportTreesTest, WhoAsksWaitsForTheAnswer) {
    write(path("a") + " *\n");
    trees.keep(open());
    Following following;
    following.answer({}, trees.places());
    boost::filesystem::rename(path("a"), path("of before"));
    boost::filesystem::create_directory(path("a"));
    auto renewed = std::async(std::launch::async, [&] { return following.renew(path("a")); });
    pollfd asked{.fd = following.descriptor(), .events = POLLIN, .revents = 0};
    ASSERT_EQ(::poll(&asked, 1, -1), 1);
    const auto taken = following.take();
    EXPECT_THAT(taken.paths, ElementsAre(path("a")));
    trees.keep(trees.look_again(taken.paths).value());
    following.answer(taken, trees.places());
    EXPECT_TRUE(renewed.get());
    boost::filesystem::rename(path("of before"), path("a/inner"));
    boost::filesystem::rename(path("a"), path("again"));
    boost::filesystem::create_directory(path("a"));
    auto in_vain = std::async(std::launch::async, [&] { return following.renew(path("a")); });
    ASSERT_EQ(::poll(&asked, 1, -1), 1);
    following.stop();
    EXPECT_EQ(in_vain.get().error(), std::errc::timed_out);
}

}  // namespace
}  // namespace berth::server
