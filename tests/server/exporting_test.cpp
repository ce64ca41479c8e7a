// What is opened for exports files, what stays open when they are read again, and what is refused.
#include "server/exporting.hpp"

#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <thread>

#include <cap-ng.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/exports_files.hpp"
#include "tests/support/temporary_directory.hpp"

namespace berth::server {
namespace {

using ::testing::HasSubstr;
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

}  // namespace
}  // namespace berth::server
