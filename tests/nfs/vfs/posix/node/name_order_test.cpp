// What a listing promises on every kind of file system: whatever is removed while it goes on, and
// though the server is restarted between two pages, an entry that stays is shown once.
#include "nfs/vfs/posix/node/name_order.hpp"

#include <map>
#include <set>
#include <thread>

#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <boost/filesystem/operations.hpp>

#include "tests/media/exported_directory.hpp"
#include "tests/media/medium.hpp"

namespace berth::vfs::posix {
namespace {

struct Page {
    std::vector<std::string> names;
    std::uint64_t cookie = 0;
    bool is_last = false;
};

class Promised : public ::testing::Test {
protected:
    Promised() { boost::filesystem::permissions(space.path(), boost::filesystem::perms::all_all); }

    void restart() {
        files.reset();
        files =
            std::move(open(path, {.journal = journal_in(space / "journal", start_thread)}).value());
    }
    Page page_after(std::uint64_t cookie, std::size_t entries_max) {
        Page page{.names = {}, .cookie = cookie};
        const auto complete =
            files->root().value()->list(root_caller, cookie, [&](const DirectoryEntry& entry) {
                if (page.names.size() == entries_max) return false;
                page.names.emplace_back(entry.name);
                page.cookie = entry.cookie;
                return true;
            });
        EXPECT_TRUE(complete);
        page.is_last = !complete || *complete;
        return page;
    }

    /// Of the directory `of`, which holds `count` entries "n<number>".
    void keeps_its_promise(const std::string& of, int count);
    void stays_are_seen_once(int count);
    void is_emptied();

    TemporaryDirectory space{"/var/tmp"};
    std::string path;
    std::unique_ptr<FileSystem> files;
};

void fill(const std::string& directory, int first, int end) {
    for (int n = first; n < end; ++n) {
        ::close(::creat((directory + "/n" + std::to_string(n)).c_str(), 0644));
    }
}

void Promised::keeps_its_promise(const std::string& of, int count) {
    path = of;
    restart();
    stays_are_seen_once(count);
    is_emptied();
    files.reset();
}

// Every other entry goes while the listing is in front of it, or behind it.
void Promised::stays_are_seen_once(int count) {
    std::map<std::string, int> seen;
    int round = 0;
    for (Page page; !page.is_last; ++round) {
        page = page_after(page.cookie, 7);
        for (const auto& name : page.names) ++seen[name];
        for (int n = round * 4 + 1; n < round * 4 + 4 && n < count; n += 2) {
            ASSERT_EQ(::unlink((path + "/n" + std::to_string(n)).c_str()), 0) << n;
        }
        if (round % 5 == 4) restart();
    }
    for (int n = 0; n < count; n += 2) EXPECT_EQ(seen["n" + std::to_string(n)], 1) << n;
    for (const auto& [name, times] : seen) EXPECT_EQ(times, 1) << name;
    EXPECT_TRUE(seen.contains("."));
    EXPECT_TRUE(seen.contains(".."));
}

// As `rm -r` of a client does it.
void Promised::is_emptied() {
    int round = 0;
    for (Page page; !page.is_last; ++round) {
        page = page_after(page.cookie, 5);
        for (const auto& name : page.names) {
            if (!name.starts_with('.')) {
                EXPECT_TRUE(files->root().value()->remove(root_caller, name));
            }
        }
        if (round % 4 == 3) restart();
    }
    EXPECT_TRUE(boost::filesystem::is_empty(path));
}

constexpr int files_made = 200;

class PromisedByOverlays : public Promised {
protected:
    std::string layer(const std::string& name) {
        boost::filesystem::create_directory(space / name);
        return space / name;
    }
    std::string overlay(const std::string& lower) {
        const auto options =
            "lowerdir=" + lower + ",upperdir=" + layer("upper") + ",workdir=" + layer("work");
        const auto merged = layer("merged");
        if (::mount("overlay", merged.c_str(), "overlay", 0, options.c_str()) != 0) {
            throw std::runtime_error{"cannot mount an overlay"};
        }
        return merged;
    }
};

TEST_F(PromisedByOverlays, MergedOfLowerAndUpper) {
    in_child_process([this] {
        have_own_mounts();
        fill(layer("lower"), 0, files_made / 2);
        fill(layer("upper"), files_made / 2, files_made);
        keeps_its_promise(overlay(space / "lower"), files_made);
    });
}

TEST_F(PromisedByOverlays, MergedOfTwoLowers) {
    in_child_process([this] {
        have_own_mounts();
        fill(layer("lower"), 0, files_made / 2);
        fill(layer("lowest"), files_made / 4, files_made);
        keeps_its_promise(overlay(space / "lower" + ":" + (space / "lowest")), files_made);
    });
}

TEST_F(PromisedByOverlays, UpperOnly) {
    in_child_process([this] {
        have_own_mounts();
        layer("lower");
        layer("upper");
        boost::filesystem::create_directory(space / "upper/d");
        fill(space / "upper/d", 0, files_made);
        keeps_its_promise(overlay(space / "lower") + "/d", files_made);
    });
}

class PromisedByImages : public Promised, public ::testing::WithParamInterface<const char*> {};

TEST_P(PromisedByImages, RestartsAndRemovalsIncluded) {
    in_child_process([this] {
        have_own_mounts();
        const std::string kind = GetParam();
        const ImageMedium medium{space / "medium", kind, kind == "xfs" ? 300U : 120U};
        boost::filesystem::create_directory(medium.path() + "/d");
        fill(medium.path() + "/d", 0, files_made);
        keeps_its_promise(medium.path() + "/d", files_made);
    });
}
INSTANTIATE_TEST_SUITE_P(Kinds, PromisedByImages, ::testing::Values("ext4", "xfs", "btrfs"),
                         [](const auto& kind) { return std::string{kind.param}; });

TEST_F(Promised, ByFileSystemsInMemory) {
    in_child_process([this] {
        have_own_mounts();
        for (const char* const kind : {"tmpfs", "ramfs"}) {
            const auto mounted = space / kind;
            boost::filesystem::create_directory(mounted);
            ASSERT_EQ(::mount(kind, mounted.c_str(), kind, 0, nullptr), 0);
            fill(mounted, 0, files_made);
            keeps_its_promise(mounted, files_made);
        }
    });
}

TEST_F(Promised, ByFuseWithAndWithoutPositions) {
    in_child_process([this] {
        have_own_mounts();
        for (const bool positions : {false, true}) {
            FuseMedium medium{space / ("medium" + std::to_string(positions))};
            medium.fail({.tells_positions = positions});
            fill(medium.path(), 0, files_made);
            keeps_its_promise(medium.path(), files_made);
        }
    });
}

TEST(NameOrders, CookiesAreOfTheNameAlone) {
    std::set<std::uint64_t> cookies;
    for (int n = 0; n < 10'000; ++n) cookies.insert(NameOrder::cookie_of(std::to_string(n)));
    EXPECT_EQ(cookies.size(), 10'000U);
    EXPECT_GT(*cookies.begin(), 2U);
    EXPECT_LE(*cookies.rbegin(), static_cast<std::uint64_t>(INT64_MAX));
    EXPECT_EQ(NameOrder::cookie_of("."), 1U);
    EXPECT_EQ(NameOrder::cookie_of(".."), 2U);
    // Clients keep them over a restart of the server, and over its next version.
    EXPECT_EQ(NameOrder::cookie_of("name"), 341288197218066538U);
}

/// A directory that counts how often it is looked at.
class NameOrdersOfMany : public ::testing::Test {
protected:
    NameOrder::VisitAll visit_all() {
        return [this](const TakeEntry& take) -> Result<void> {
            ++looks;
            for (const auto& name : names) take({.fileid = 7, .name = name, .cookie = 0});
            return {};
        };
    }
    /// In pages of so many; how many entries there were.
    std::size_t list(std::size_t page) {
        std::set<std::string> seen;
        std::uint64_t cookie = 0;
        for (bool is_end = false; !is_end;) {
            std::size_t taken = 0;
            is_end = order
                         .list(cookie, visit_all(),
                               [&](const DirectoryEntry& entry) {
                                   if (taken++ == page) return false;
                                   EXPECT_GT(entry.cookie, cookie);
                                   cookie = entry.cookie;
                                   EXPECT_TRUE(seen.emplace(entry.name).second);
                                   return true;
                               })
                         .value();
        }
        return seen.size();
    }

    NameOrder order;
    std::set<std::string> names;
    int looks = 0;
};

TEST_F(NameOrdersOfMany, OneLookServesManyPages) {
    for (int n = 0; n < 5'000; ++n) names.insert(std::to_string(n));
    EXPECT_EQ(list(10), 5'000U);
    EXPECT_EQ(looks, 1);
    EXPECT_EQ(list(10'000), 5'000U);
    EXPECT_EQ(looks, 2) << "a new listing shows what is there now";
}

TEST_F(NameOrdersOfMany, MoreThanAreKeptTakeMoreLooks) {
    for (int n = 0; n < 50'000; ++n) names.insert(std::to_string(n));
    EXPECT_EQ(list(1'000), 50'000U);
    EXPECT_EQ(looks, 4);
    EXPECT_EQ(list(1'000'000), 50'000U);
    EXPECT_EQ(looks, 8);
}

TEST_F(NameOrdersOfMany, WhatIsIdleIsDropped) {
    names = {"a", "b", "c"};
    const auto first = [](const DirectoryEntry&) { return false; };
    EXPECT_FALSE(order.list(0, visit_all(), first).value());
    order.drop_idle();
    EXPECT_FALSE(order.list(1, visit_all(), first).value());
    EXPECT_EQ(looks, 1);
    order.drop_idle();
    order.drop_idle();
    EXPECT_FALSE(order.list(1, visit_all(), first).value());
    EXPECT_EQ(looks, 2);
}

TEST_F(NameOrdersOfMany, AListingSeesWhatWasThereWhenItBegan) {
    names = {"a"};
    const auto all = [](std::set<std::string>& into) {
        return [&into](const DirectoryEntry& entry) {
            into.emplace(entry.name);
            return true;
        };
    };
    std::set<std::string> seen;
    const auto cookie = NameOrder::cookie_of("a") - 1;
    // While an older listing looks, another begins, with more to see.
    auto slowly = [&](const TakeEntry& take) -> Result<void> {
        const std::set<std::string> before = names;
        names.insert("z");
        std::set<std::string> other;
        EXPECT_TRUE(order.list(0, visit_all(), all(other)).value());
        EXPECT_EQ(other.size(), 2U);
        for (const auto& name : before) take({.fileid = 7, .name = name, .cookie = 0});
        return {};
    };
    EXPECT_TRUE(order.list(0, slowly, all(seen)).value());
    seen.clear();
    const auto lowest = std::min(cookie, NameOrder::cookie_of("z") - 1);
    EXPECT_TRUE(order.list(lowest, visit_all(), all(seen)).value());
    EXPECT_EQ(seen.size(), 2U) << "the newer listing goes on";
}

TEST_F(NameOrdersOfMany, AFailedLookIsAFailedListing) {
    const auto failing = [](const TakeEntry&) -> Result<void> { return std::errc::io_error; };
    EXPECT_EQ(order.list(0, failing, [](auto&) { return true; }).error(), std::errc::io_error);
}

}  // namespace
}  // namespace berth::vfs::posix
