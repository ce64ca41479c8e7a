// What is opened for exports files, what stays open when they are read again, and what is refused.
#include "server/exporting.hpp"

#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <string>
#include <system_error>
#include <thread>

#include <poll.h>

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

class ExportingTest : public testing::Test {
protected:
    ExportingTest() {
        for (const auto* name : {"a", "b"}) std::filesystem::create_directory(path(name));
        options.exports_files = {path("exports")};
    }
    [[nodiscard]] std::string path(const std::string& name) const {
        return (directory.path() / name).string();
    }
    void write(const std::string& text) const { std::ofstream{path("exports")} << text; }
    Exporting::Opening open() const { return exporting.open(options); }
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
    Exporting exporting{state};
    ServeOptions options;
};

TEST_F(ExportingTest, FilesDirectoriesAndMemoryAreOneTable) {
    write(path("a") + " 192.0.2.1(rw)\n");
    options.directories = {path("b") + "/"};
    options.memory_names = {"m"};
    const auto opening = open();
    ASSERT_THAT(opening.exports, SizeIs(3));
    EXPECT_EQ(opening.exports[0].path, path("b"));
    EXPECT_EQ(opening.exports[0].clients.all().front().client.kind, vfs::ClientKind::everyone);
    EXPECT_FALSE(opening.exports[0].clients.all().front().sys->secure);
    EXPECT_EQ(opening.exports[1].path, path("a"));
    EXPECT_EQ(opening.exports[1].clients.all().front().where.text(),
              path("exports") + ":1:" + std::to_string(path("a").size() + 2));
    EXPECT_EQ(opening.exports[2].path, "/m");
}

TEST_F(ExportingTest, WhatIsStillTheSameStaysOpen) {
    options.memory_names = {"m"};
    write(path("a") + " *\n" + path("b") + " *\n");
    const auto first = open();
    exporting.keep(first);
    std::filesystem::rename(path("b"), path("old b"));
    std::filesystem::create_directory(path("b"));
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

TEST_F(ExportingTest, WhatComesBackHasTheJournalOfNamesAtOnce) {
    without_handles([this] {
        constexpr vfs::Caller caller{.wait = vfs::Wait::yes};
        const auto exchange = [this] {
            std::filesystem::rename(path("b"), path("aside"));
            std::filesystem::rename(path("a"), path("b"));
            std::filesystem::rename(path("aside"), path("a"));
        };
        const auto reload = [this] {
            auto opening = open();
            exporting.keep(opening);
            return opening.exports.front().files;
        };
        write(path("a") + " *\n");
        const auto of_first = reload()->root().value()->create(caller, "f", {}).value()->id();
        exchange();
        const auto of_second = reload()->root().value()->create(caller, "g", {}).value()->id();
        exchange();
        const auto files = reload();
        EXPECT_TRUE(files->find(of_first, vfs::Wait::yes));
        EXPECT_FALSE(files->find(of_second, vfs::Wait::yes));
        exchange();
        EXPECT_TRUE(reload()->find(of_second, vfs::Wait::yes));
        EXPECT_TRUE(std::filesystem::exists(directory.path() / "state/names"));
    });
}

TEST_F(ExportingTest, WhatCanNotBeIsNamedWithItsPlace) {
    write("\n" + path("absent") + " *\n");
    EXPECT_THAT(refusal(), StartsWith(path("exports") + ":2:1: " + path("absent")));
    write(path("a") + " *(rwx)\n" + path("b") + " h(\n");
    EXPECT_THAT(refusal(), StartsWith(path("exports") + ":1:"));
    EXPECT_THAT(refusal(), HasSubstr("'rwx': there is no such option (and 1 more"));
    std::filesystem::remove(path("exports"));
    EXPECT_THAT(refusal(), StartsWith(path("exports") + ": No such file"));
    std::filesystem::create_directory(path("exports"));
    EXPECT_THAT(refusal(), StartsWith(path("exports") + ": Is a directory"));
}

TEST_F(ExportingTest, ADirectoryIsExportedByOneOfTheWays) {
    write(path("a") + " *\n");
    options.directories = {path("a")};
    EXPECT_THAT(refusal(), HasSubstr("'" + path("a") + "' is exported twice"));
}

TEST_F(ExportingTest, MountPointsDecideWhetherSomethingIsExported) {
    write(path("a") + " *(mountpoint)\n" + path("b") + " *(mountpoint=/proc)\n");
    const auto opening = open();
    ASSERT_THAT(opening.exports, SizeIs(1));
    EXPECT_EQ(opening.exports[0].path, path("b"));
    EXPECT_TRUE(is_mount_point("/proc"));
    EXPECT_FALSE(is_mount_point(path("a")));
    EXPECT_FALSE(is_mount_point(path("absent")));
}

TEST_F(ExportingTest, AReplacedDirectoryIsFollowedWhereAskedFor) {
    write(path("a") + " *\n" + path("b") + " *\n");
    const auto first = open();
    EXPECT_THAT(exporting.keep(first), IsEmpty());
    for (const auto* name : {"a", "b"}) {
        std::filesystem::rename(path(name), path(name) + " of before");
        std::filesystem::create_directory(path(name));
    }
    EXPECT_FALSE(exporting.look_again({}));
    const auto places = exporting.places();
    const auto second = exporting.look_again({path("b")});
    ASSERT_TRUE(second);
    EXPECT_EQ(second->exports[0].files, first.exports[0].files);
    EXPECT_NE(second->exports[1].files, first.exports[1].files);
    EXPECT_EQ(second->exports[1].id, first.exports[1].id);
    EXPECT_EQ(second->exports[1].fsid, first.exports[1].fsid);
    EXPECT_THAT(exporting.keep(*second), ElementsAre(path("b")));
    EXPECT_EQ(exporting.places().at(path("a")), places.at(path("a")));
    EXPECT_FALSE(exporting.places().at(path("b")) == places.at(path("b")));
    EXPECT_FALSE(exporting.look_again({path("b")})) << "it is the same by now";
}

TEST_F(ExportingTest, WhatCanNotBeFollowedStays) {
    write(path("a") + " *\n");
    const auto first = open();
    exporting.keep(first);
    std::filesystem::rename(path("a"), path("of before"));
    EXPECT_FALSE(exporting.look_again({path("a")})) << "gone";
    std::filesystem::create_directory_symlink(directory.path() / "state", path("a"));
    EXPECT_FALSE(exporting.look_again({path("a")})) << "the state directory";
    EXPECT_FALSE(exporting.look_again({path("no export")}));
}

TEST_F(ExportingTest, TheStateDirectoryIsNotExported) {
    for (const auto* name : {"state", "state/below"}) {
        std::filesystem::create_directories(path(name));
        write(path(name) + " *\n");
        EXPECT_THAT(refusal(), HasSubstr("state directory")) << name;
    }
}

TEST_F(ExportingTest, OnlyWhatIsExportedIsRenewed) {
    write(path("a") + " *\n");
    exporting.keep(open());
    Following following;
    EXPECT_TRUE(following.renew(path("a"))) << "nothing is known yet";
    following.answer(following.take(), exporting.places());
    EXPECT_TRUE(following.renew(path("a")));
    EXPECT_TRUE(following.renew(path("no export")));
    EXPECT_THAT(following.take().paths, IsEmpty());
    std::filesystem::rename(path("a"), path("of before"));
    EXPECT_EQ(following.renew(path("a")).error(), std::errc::no_such_file_or_directory);
    std::ofstream{path("a")} << "a file";
    EXPECT_EQ(following.renew(path("a")).error(), std::errc::not_a_directory);
    EXPECT_THAT(following.take().paths, IsEmpty());
}

TEST_F(ExportingTest, WhoAsksWaitsForTheAnswer) {
    write(path("a") + " *\n");
    exporting.keep(open());
    Following following;
    following.answer({}, exporting.places());
    std::filesystem::rename(path("a"), path("of before"));
    std::filesystem::create_directory(path("a"));
    auto renewed = std::async(std::launch::async, [&] { return following.renew(path("a")); });
    pollfd asked{.fd = following.descriptor(), .events = POLLIN, .revents = 0};
    ASSERT_EQ(::poll(&asked, 1, -1), 1);
    const auto taken = following.take();
    EXPECT_THAT(taken.paths, ElementsAre(path("a")));
    exporting.keep(exporting.look_again(taken.paths).value());
    following.answer(taken, exporting.places());
    EXPECT_TRUE(renewed.get());
    std::filesystem::rename(path("of before"), path("a/inner"));
    std::filesystem::rename(path("a"), path("again"));
    std::filesystem::create_directory(path("a"));
    auto in_vain = std::async(std::launch::async, [&] { return following.renew(path("a")); });
    ASSERT_EQ(::poll(&asked, 1, -1), 1);
    following.stop();
    EXPECT_EQ(in_vain.get().error(), std::errc::timed_out);
}

}  // namespace
}  // namespace berth::server
