// From one export to what is mounted in it and back: `crossmnt` and `nohide` of exports(5).
// RFC 1813 §3.3.3, §3.3.17. Trees in RAM stand for mounted file systems.
#include "tests/nfs/support.hpp"

namespace berth::nfs {
namespace {

class CrossingTest : public ServiceTest {
protected:
    CrossingTest() : point_{make_directory(root(), "point", 0700)} {}

    /// /tree with these options, and in it another tree at "point", nested or an export of its own.
    void mount(exports::Options outer, exports::Options inner = {}, bool is_nested = true) {
        outer.squash = inner.squash = exports::Squash::none;
        auto tree = exports::make_export("/tree", files_, outer);
        auto mounted = is_nested
                           ? exports::make_nested_export(tree, "/tree/point", other_, "uuid=1")
                           : exports::make_export("/tree/point", other_, inner);
        tree.crossings.push_back({(*files_->root())->id(), "point", mounted.id});
        exports_.replace({tree, mounted});
        inner_ = sealer_.seal(mounted.id, (*other_->root())->id()).bytes();
    }
    ReadDirectoryPlus::Item listed(const KeptHandle& directory, std::string_view name) {
        auto ok = succeed<ReadDirectoryPlus>(
            {.directory = directory, .directory_count = 65536, .count_max = 65536});
        for (const auto& item : ok.entries.items)
            if (item.name.view() == name) return item;
        ADD_FAILURE() << name << " is not listed";
        return {};
    }

    const KeptHandle point_;
    KeptHandle inner_;
    static constexpr exports::Options plain{};
    static constexpr exports::Options crossing{.crosses_mounts = true};
    static constexpr exports::Options shown{.is_hidden = false};
};

TEST_F(CrossingTest, a_name_leads_to_what_is_mounted_there_and_back) {
    mount(crossing);
    EXPECT_EQ(lookup(root(), "point"), inner_);
    EXPECT_EQ(lookup(inner_, ".."), root());
    EXPECT_EQ(lookup(inner_, "."), inner_);
    const auto ok = succeed<Lookup>({entry(root(), "point")});
    ASSERT_TRUE(ok.attributes && ok.directory);
    EXPECT_EQ(*ok.attributes, attributes(inner_));
    EXPECT_EQ(*ok.directory, attributes(root()));
    EXPECT_NE(ok.attributes->fsid, ok.directory->fsid);
    EXPECT_EQ(lookup(make_directory(inner_, "below"), ".."), inner_);
    EXPECT_EQ(lookup(root(), ".."), root());
}

TEST_F(CrossingTest, a_listing_shows_the_root_there_and_the_number_it_covers) {
    const auto covered = attributes(point_).fileid;
    mount(crossing);
    const auto item = listed(root(), "point");
    ASSERT_TRUE(item.attributes && item.object);
    EXPECT_EQ(KeptHandle{*item.object}, inner_);
    EXPECT_EQ(*item.attributes, attributes(inner_));
    EXPECT_EQ(item.fileid, covered);
    const auto above = listed(inner_, "..");
    ASSERT_TRUE(above.object);
    EXPECT_EQ(KeptHandle{*above.object}, root());
}

TEST_F(CrossingTest, nothing_is_moved_or_linked_across) {
    mount(crossing);
    const auto file = make_file(root(), "file");
    refuse<Rename>(Status::cross_device, {entry(root(), "file"), entry(inner_, "file")});
    refuse<Link>(Status::cross_device, {file, entry(inner_, "link")});
    EXPECT_TRUE(exists(root(), "file"));
}

TEST_F(CrossingTest, whoever_may_not_search_does_not_cross) {
    const auto closed = make_directory(root(), "closed", 0700);
    mount(crossing);
    auto exports = std::vector(exports_.pin()->all().begin(), exports_.pin()->all().end());
    exports[0].crossings.push_back({inner(closed)->id(), "point", exports[1].id});
    exports_.replace(std::move(exports));
    EXPECT_EQ(lookup(closed, "point"), inner_);
    become(1000, 1000);
    refuse<Lookup>(Status::access, {entry(closed, "point")});
}

TEST_F(CrossingTest, nested_exports_are_for_whom_crossmnt_is_for) {
    mount(plain);
    EXPECT_EQ(lookup(root(), "point"), point_);
    refuse<GetAttributes>(Status::access, {inner_});
}

TEST_F(CrossingTest, an_export_of_its_own_shows_if_either_says_so) {
    mount(plain, plain, false);
    EXPECT_EQ(lookup(root(), "point"), point_);
    EXPECT_EQ(lookup(inner_, ".."), inner_);
    mount(plain, shown, false);
    EXPECT_EQ(lookup(root(), "point"), inner_);
    EXPECT_EQ(lookup(inner_, ".."), root());
    mount(crossing, plain, false);
    EXPECT_EQ(lookup(root(), "point"), inner_);
    EXPECT_EQ(lookup(inner_, ".."), root());
}

TEST_F(CrossingTest, handles_of_what_is_unmounted_are_stale) {
    mount(crossing);
    const auto file = make_file(inner_, "file");
    exports_.replace({exports::make_export("/tree", files_, crossing)});
    refuse<GetAttributes>(Status::stale, {file});
    refuse<Lookup>(Status::stale, {entry(inner_, "file")});
    mount(crossing);
    EXPECT_EQ(lookup(inner_, "file"), file);
}

TEST_F(CrossingTest, each_file_system_has_its_own_figures) {
    mount(crossing);
    const auto outside = succeed<FileSystemStatus>({root()});
    const auto inside = succeed<FileSystemStatus>({inner_});
    EXPECT_NE(outside.attributes->fsid, inside.attributes->fsid);
    make_file(inner_, "file", "text");
    EXPECT_LT(succeed<FileSystemStatus>({inner_}).free_files, inside.free_files);
    EXPECT_EQ(succeed<FileSystemStatus>({root()}).free_files, outside.free_files);
}

TEST_F(CrossingTest, each_file_system_has_its_own_limits) {
    constexpr std::uint32_t links_max = 7;
    other_ = vfs::memory::make({.links_max = links_max});
    mount(crossing);
    const auto file = make_file(inner_, "file");
    EXPECT_NE(succeed<PathConfiguration>({root()}).links_max, links_max);
    for (const auto& object : {inner_, file}) {
        EXPECT_EQ(succeed<PathConfiguration>({object}).links_max, links_max);
        EXPECT_EQ(succeed<FileSystemInfo>({object}).attributes->fsid, attributes(inner_).fsid);
    }
}

// What is mounted may be another machine's, which does not answer now.
TEST_F(CrossingTest, who_may_not_wait_leaves_a_slow_root_to_who_may) {
    const auto remote = std::make_shared<vfs::faulty::FileSystem>(other_);
    other_ = remote;
    mount(crossing);
    remote->inject(
        {.error = vfs::would_block, .times = 100, .unless_waiting = true, .applies = [](auto next) {
             return next == vfs::faulty::Operation::root;
         }});
    wire_.on_workers = 0;
    EXPECT_EQ(lookup(root(), "point"), inner_);
    EXPECT_EQ(wire_.on_workers, 1U);
    EXPECT_EQ(lookup(inner_, ".."), root());
    EXPECT_EQ(wire_.on_workers, 2U);
}

}  // namespace
}  // namespace berth::nfs
