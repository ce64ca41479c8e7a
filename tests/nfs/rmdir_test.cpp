// RMDIR — RFC 1813 §3.3.13. Names are in names_test.cpp.
#include "tests/nfs/support.hpp"

namespace berth::nfs {
namespace {

using namespace std::string_view_literals;

class RemoveDirectoryTest : public ServiceTest {};

TEST_F(RemoveDirectoryTest, takes_the_name_away) {
    make_directory(root(), "directory");
    const auto before = attributes(root());
    const auto ok = succeed<RemoveDirectory>({entry(root(), "directory")});
    expect_wcc(ok.directory, before);
    EXPECT_EQ(ok.directory.after->links, before.links - 1);
    EXPECT_FALSE(exists(root(), "directory"));
    refuse<RemoveDirectory>(Status::no_entry, {entry(root(), "directory")});
}

TEST_F(RemoveDirectoryTest, takes_directories_alone) {
    make_file(root(), "file");
    make_link(root(), "link", "directory");
    make_directory(root(), "directory");
    const auto now = attributes(root());
    for (const auto name : {"file"sv, "link"sv})
        expect_unchanged(
            refuse<RemoveDirectory>(Status::not_directory, {entry(root(), name)}).directory, now);
}

TEST_F(RemoveDirectoryTest, takes_empty_ones_alone) {
    const auto directory = make_directory(root(), "directory");
    make_file(directory, "file");
    const auto now = attributes(root());
    expect_unchanged(
        refuse<RemoveDirectory>(Status::not_empty, {entry(root(), "directory")}).directory, now);
    succeed<Remove>({entry(directory, "file")});
    succeed<RemoveDirectory>({entry(root(), "directory")});
    refuse<Create>(Status::stale, {entry(directory, "file")});
}

TEST_F(RemoveDirectoryTest, is_durable_unless_the_export_is_async) {
    make_directory(root(), "one");
    make_directory(root(), "two");
    EXPECT_EQ(syncs([&] { succeed<RemoveDirectory>({entry(root(), "one")}); }), 1U);
    EXPECT_EQ(syncs([&] { succeed<RemoveDirectory>({entry(root("/async"), "two")}); }), 0U);
}

}  // namespace
}  // namespace berth::nfs
