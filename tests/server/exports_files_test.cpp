// Which files of exports(5) the system has.
#include "server/exports_files.hpp"

#include <fstream>
#include <string>
#include <vector>

#include <boost/filesystem/operations.hpp>
#include <boost/filesystem/path.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/temporary_directory.hpp"

namespace berth::server {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class ExportsFilesTest : public testing::Test {
protected:
    void write(const std::string& name) const {
        const auto path = etc.path() / name;
        boost::filesystem::create_directories(path.parent_path());
        std::ofstream{path.string()} << "/srv" << boost::filesystem::path{name}.stem().string()
                                     << " *\n";
    }
    /// Below the folder of the configuration.
    [[nodiscard]] std::vector<std::string> found() const {
        std::vector<std::string> names;
        for (const auto& file : system_exports_files(etc.path()))
            names.push_back(boost::filesystem::relative(file, etc.path()).string());
        return names;
    }

    const test::TemporaryDirectory etc;
};

TEST_F(ExportsFilesTest, BothMayBeMissing) {
    EXPECT_THAT(found(), IsEmpty());
    boost::filesystem::create_directory(etc.path() / "exports.d");
    EXPECT_THAT(found(), IsEmpty());
    write("exports");
    EXPECT_THAT(found(), ElementsAre("exports"));
}

TEST_F(ExportsFilesTest, TheFolderIsReadWithoutTheFile) {
    for (const auto* name : {"b.exports", "a.exports", ".hidden.exports", "a.exports.old", "c"})
        write("exports.d/" + std::string{name});
    EXPECT_THAT(found(), ElementsAre("exports.d/a.exports", "exports.d/b.exports"));
    const auto listed = read_exports(system_exports_files(etc.path()), Reading::at_start);
    ASSERT_EQ(listed.size(), 2U);
    EXPECT_EQ(listed[0].path, "/srva");
    EXPECT_EQ(listed[1].path, "/srvb");
}

TEST_F(ExportsFilesTest, TheFileComesFirst) {
    write("exports.d/a.exports");
    write("exports");
    EXPECT_THAT(found(), ElementsAre("exports", "exports.d/a.exports"));
}

}  // namespace
}  // namespace berth::server
