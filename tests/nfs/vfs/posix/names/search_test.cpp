// The search for an object by its names, with a kernel that says what the test tells it to.
#include <array>
#include <cstring>
#include <map>
#include <optional>

#include <fcntl.h>

#include <boost/filesystem/operations.hpp>

#include "nfs/vfs/posix/names/remembered.hpp"
#include "nfs/vfs/posix/names/store.hpp"
#include "nfs/vfs/posix/system/calls.hpp"
#include "nfs/vfs/posix/system/object_identity.hpp"
#include "tests/media/exported_directory.hpp"

namespace berth::vfs::posix {
namespace {

class NameSearch : public ::testing::Test {
protected:
    NameSearch() {
        for (const auto* path : {"/a", "/a/b", "/c"})
            boost::filesystem::create_directory(directory.path() + path);
        write_local(directory / "a/b/f", "");
        boost::filesystem::create_hard_link(directory / "a/b/f", directory / "c/g");
        root = *open_at(AT_FDCWD, directory.path().c_str(), O_RDONLY | O_DIRECTORY);
        identity.emplace(*ObjectIdentity::of_tree(root.number()));
        auto memory = std::make_unique<NamesInMemory>(1000);
        store = memory.get();
        names.emplace(
            root.number(), id_of("."), [this](const ObjectId& id) { return identity->is_id(id); },
            [this](int at, const char* name) -> Result<Descriptor> {
                ++opened[name];
                if (const auto found = failing.find(name); found != failing.end())
                    return found->second;
                return open_at(at, name, O_PATH | O_NOFOLLOW);
            },
            [this](int found, const ObjectId& id, const Place&) -> Result<bool> {
                const auto mark = identity->identify(found);
                if (!mark) return mark.error();
                return *mark == id;
            },
            std::move(memory), "");
        for (const auto& [path, above, name] : {std::array{"a", ".", "a"},
                                                {"a/b", "a", "b"},
                                                {"c", ".", "c"},
                                                {"a/b/f", "c", "g"},
                                                {"a/b/f", "a/b", "f"}}) {
            EXPECT_TRUE(names->seen(id_of(path), id_of(above), name, Patience::ample));
        }
    }
    [[nodiscard]] ObjectId id_of(const char* path) const {
        return *identity->identify(root.number(), path);
    }

    TemporaryDirectory directory;
    Descriptor root;
    std::optional<ObjectIdentity> identity;
    NamesInMemory* store = nullptr;
    std::optional<RememberedNames> names;
    std::map<std::string, std::errc> failing;
    std::map<std::string, int> opened;
};

TEST_F(NameSearch, ATroubleOfTheMomentErasesNothingAndIsAnsweredAsItself) {
    const auto file = id_of("a/b/f");
    for (const int error : {EACCES, EIO, ENOMEM, EMFILE, ENFILE, ETIMEDOUT, ENOTCONN, EINTR, EAGAIN,
                            ESTALE, ENAMETOOLONG, EXDEV}) {
        for (const auto* where : {"a", "b", "f"}) {
            failing = {{where, std::errc{error}}, {"c", std::errc{error}}};
            EXPECT_EQ(error_of(names->open(file)), std::errc{error}) << where;
            failing.erase("c");
            EXPECT_TRUE(names->open(file)) << "by the other name";
            failing = {{where, std::errc{error}}, {"g", std::errc::no_such_file_or_directory}};
            EXPECT_EQ(error_of(names->open(file)), std::errc{error}) << "rather than stale";
            EXPECT_TRUE(names->seen(file, id_of("c"), "g", Patience::ample));
            failing.clear();
            EXPECT_EQ(store->find(file).size(), 2U);
            EXPECT_TRUE(names->open(file));
            EXPECT_TRUE(names->open(id_of("a/b")));
        }
    }
}

TEST_F(NameSearch, WhatIsNotThereAnyMoreIsForgottenOneByOne) {
    const auto file = id_of("a/b/f");
    failing = {{"f", std::errc::no_such_file_or_directory}};
    EXPECT_TRUE(names->open(file));
    EXPECT_EQ(store->find(file).size(), 1U);
    failing = {{"c", std::errc::no_such_file_or_directory}};
    EXPECT_EQ(error_of(names->open(file)), stale);
    EXPECT_EQ(store->find(file).size(), 1U) << "its own name may be right";
    failing.clear();
    EXPECT_TRUE(names->seen(id_of("c"), id_of("."), "c", Patience::ample));
    EXPECT_TRUE(names->open(file));
}

TEST_F(NameSearch, NamesThatLeadRoundInCirclesEnd) {
    const auto a = id_of("a");
    const auto b = id_of("a/b");
    EXPECT_TRUE(names->seen(a, b, "was here", Patience::ample));
    EXPECT_TRUE(names->open(a));
    EXPECT_TRUE(names->seen(a, b, "was here", Patience::ample));
    failing = {{"a", std::errc::no_such_file_or_directory},
               {"c", std::errc::no_such_file_or_directory}};
    EXPECT_EQ(error_of(names->open(id_of("a/b/f"))), stale);
    EXPECT_LE(opened["a"], 2);
}

TEST_F(NameSearch, ALadderOfStaleNamesDoesNotTakeForEver) {
    // Each level has two names, one in each directory of the level above, and none of them is
    // right.
    const auto made_up = [](std::uint64_t number) {
        std::array<std::byte, 20> bytes{};
        std::memcpy(bytes.data() + 4, &number, sizeof number);
        return ObjectId{bytes};
    };
    const auto file = id_of("a/b/f");
    for (std::uint64_t level = 1; level < 60; ++level)
        for (const std::uint64_t one : {0U, 1U})
            for (const std::uint64_t above : {0U, 1U})
                store->put(made_up(2 * level + one), made_up(2 * (level - 1) + above), "x");
    store->erase(file, id_of("c"), "g");
    store->erase(file, id_of("a/b"), "f");
    for (const std::uint64_t one : {0U, 1U}) store->put(file, made_up(2 * 59 + one), "x");
    EXPECT_EQ(error_of(names->open(file)), stale);
}

}  // namespace
}  // namespace berth::vfs::posix
