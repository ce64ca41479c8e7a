// What every call does when nothing is in its way.
#include "tests/media/exported_directory.hpp"

namespace berth::vfs::posix {
namespace {

using Basics = ExportedDirectory;

TEST_F(Basics, ReadsWhatWasWrittenHereAndLocally) {
    auto file = create(root_caller, "f");
    const std::string text = "hello";
    EXPECT_EQ(file->write(root_caller, 0, std::as_bytes(std::span(text))).value(), 5U);
    EXPECT_EQ(read_local(local / "f"), "hello");
    write_local(local / "f", "other");
    EXPECT_EQ(read_all(*file, root_caller), "other");
    EXPECT_EQ(file->attributes(Patience::ample)->size, 5U);
}

TEST_F(Basics, FindsByIdWhatWasLookedUp) {
    write_local(local / "f", "x");
    const ObjectId id = lookup("f")->id();
    open_again({});
    EXPECT_EQ(read_all(**files->find(id, Patience::ample), root_caller), "x");
}

TEST_F(Basics, ListsEverythingOnce) {
    create(root_caller, "a");
    make_directory(root_caller, "b");
    std::vector<std::string> names;
    auto complete = root()->list(root_caller, 0, [&](const DirectoryEntry& entry) {
        names.emplace_back(entry.name);
        return true;
    });
    EXPECT_TRUE(complete.value());
    std::ranges::sort(names);
    EXPECT_EQ(names, (std::vector<std::string>{".", "..", "a", "b"}));
}

}  // namespace
}  // namespace berth::vfs::posix
