// What a file system says of itself is made sense of, and asked of the very object.
#include "nfs/vfs/posix/system/figures.hpp"

#include <boost/filesystem/operations.hpp>

#include "tests/media/exported_directory.hpp"
#include "tests/media/medium.hpp"

namespace berth::vfs::posix {
namespace {

constexpr std::uint64_t figure_max = INT64_MAX;

struct statvfs usual() {
    struct statvfs figures {};
    figures.f_bsize = figures.f_frsize = 4096;
    figures.f_blocks = 1000;
    figures.f_bfree = 500;
    figures.f_bavail = 400;
    figures.f_files = 100;
    figures.f_ffree = 50;
    figures.f_favail = 40;
    figures.f_namemax = 255;
    return figures;
}

TEST(Figures, GoodOnesAreTaken) {
    const auto all = to_space(usual(), true);
    EXPECT_EQ(all.total_bytes, 1000U * 4096);
    EXPECT_EQ(all.free_bytes, 500U * 4096);
    EXPECT_EQ(all.available_bytes, 500U * 4096);
    EXPECT_EQ(all.total_files, 100U);
    EXPECT_EQ(all.available_files, 50U);
    const auto own = to_space(usual(), false);
    EXPECT_EQ(own.available_bytes, 400U * 4096);
    EXPECT_EQ(own.available_files, 40U);
}

TEST(Figures, ABlockHasASize) {
    auto figures = usual();
    figures.f_frsize = 0;
    EXPECT_EQ(to_space(figures, true).total_bytes, 1000U * 4096);
    figures.f_bsize = 0;
    EXPECT_EQ(to_space(figures, true).total_bytes, 1000U * 512);
}

// A client takes nothing for full: no program would write a byte, or make a file.
TEST(Figures, WhereNothingIsSaidThereIsRoom) {
    const auto none = to_space({}, false);
    EXPECT_EQ(none.total_bytes, std::uint64_t{1000} << 30);
    EXPECT_EQ(none.available_bytes, none.total_bytes);
    EXPECT_EQ(none.total_files, 1'000'000'000U);
    EXPECT_EQ(none.available_files, none.total_files);
    auto figures = usual();
    figures.f_files = figures.f_ffree = figures.f_favail = 0;  // as btrfs has it
    EXPECT_EQ(to_space(figures, false).total_bytes, 1000U * 4096);
    EXPECT_GT(to_space(figures, false).available_files, 0U);
}

TEST(Figures, FullIsFull) {
    auto figures = usual();
    figures.f_bfree = figures.f_bavail = figures.f_ffree = figures.f_favail = 0;
    EXPECT_EQ(to_space(figures, true).free_bytes, 0U);
    EXPECT_EQ(to_space(figures, true).available_files, 0U);
}

TEST(Figures, NothingExceedsWhatItIsPartOf) {
    auto figures = usual();
    figures.f_bfree = 2000;
    figures.f_bavail = 3000;
    figures.f_ffree = 200;
    figures.f_favail = 300;
    const auto space = to_space(figures, false);
    EXPECT_EQ(space.free_bytes, space.total_bytes);
    EXPECT_EQ(space.available_bytes, space.total_bytes);
    EXPECT_EQ(space.free_files, space.total_files);
    EXPECT_EQ(space.available_files, space.total_files);
    figures.f_bavail = static_cast<fsblkcnt_t>(-5);  // a user who has overdrawn
    EXPECT_EQ(to_space(figures, false).available_bytes, 0U);
}

TEST(Figures, NumbersOfBytesDoNotWrap) {
    auto figures = usual();
    figures.f_blocks = figures.f_bfree = figures.f_bavail = figure_max / 2;
    const auto space = to_space(figures, true);
    EXPECT_EQ(space.total_bytes, figure_max);
    EXPECT_EQ(space.available_bytes, figure_max);
    figures.f_frsize = 1UL << 63;
    EXPECT_EQ(to_space(figures, true).total_bytes, figure_max);
}

class FiguresOf : public ::testing::Test {
protected:
    void export_again(const std::string& path) {
        files.reset();
        files = std::move(open(path).value());
    }
    [[nodiscard]] Time granularity() const { return files->limits().time_granularity; }

    TemporaryDirectory space{"/var/tmp"};
    std::unique_ptr<FileSystem> files;
};

TEST_F(FiguresOf, FuseThatSaysNothing) {
    in_child_process([this] {
        have_own_mounts();
        FuseMedium medium{space / "medium"};
        FuseMedium::Faults faults;
        faults.has_figures = true;
        medium.fail(faults);
        export_again(medium.path());
        const auto root = files->root().value();
        EXPECT_EQ(files->limits().name_bytes_max, 255U);
        EXPECT_EQ(root->limits(root_caller)->name_bytes_max, 255U);
        EXPECT_GE(root->limits(root_caller)->links_max, 1U);
        EXPECT_GT(root->space(root_caller)->available_bytes, 0U);
        EXPECT_GT(root->space(root_caller)->available_files, 0U);
        faults.figures.f_namemax = 100'000;
        medium.fail(faults);
        EXPECT_EQ(root->limits(root_caller)->name_bytes_max, 255U);
        faults.figures.f_namemax = 100;
        medium.fail(faults);
        EXPECT_EQ(root->limits(root_caller)->name_bytes_max, 100U);
        files.reset();
    });
}

TEST_F(FiguresOf, ARemovedObjectAreNone) {
    export_again(space.path());
    const auto file = files->root().value()->create(root_caller, "f", {}).value();
    EXPECT_TRUE(file->space(root_caller));
    EXPECT_TRUE(file->limits(root_caller));
    boost::filesystem::remove(space / "f");
    EXPECT_EQ(error_of(file->space(root_caller)), stale);
    EXPECT_EQ(error_of(file->limits(root_caller)), stale);
}

TEST_F(FiguresOf, ADirectoryWithAShareAreItsShare) {
    in_child_process([this] {
        have_own_mounts();
        FuseMedium medium{space / "medium"};
        boost::filesystem::create_directory(medium.path() + "/share");
        export_again(medium.path());
        const auto root = files->root().value();
        const auto share = root->lookup(root_caller, "share").value();
        const auto all = root->space(root_caller).value();
        FuseMedium::Faults faults;
        faults.has_figures = true;
        faults.figures = usual();
        faults.figures_are_of_share = true;
        medium.fail(faults);
        EXPECT_EQ(share->space(root_caller)->total_bytes, 1000U * 4096);
        EXPECT_EQ(share->space(root_caller)->total_files, 100U);
        EXPECT_EQ(root->space(root_caller)->total_bytes, all.total_bytes);
        faults.figures.f_namemax = 99;
        medium.fail(faults);
        EXPECT_EQ(share->limits(root_caller)->name_bytes_max, 99U);
        EXPECT_EQ(root->limits(root_caller)->name_bytes_max, 255U);
        files.reset();
    });
}

TEST_F(FiguresOf, TimesAreAsFineAsTheyAreKept) {
    in_child_process([this] {
        have_own_mounts();
        {
            const ImageMedium medium{space / "small", "ext4", 32, "-I 128"};
            export_again(medium.path());
            EXPECT_EQ(granularity(), (Time{1, 0}));
            EXPECT_EQ(files->root().value()->limits(root_caller)->time_granularity, (Time{1, 0}));
            files.reset();
        }
        {
            const ImageMedium medium{space / "large", "ext4", 32, "-I 256"};
            export_again(medium.path());
            EXPECT_EQ(granularity(), (Time{0, 1}));
            files.reset();
        }
        FuseMedium medium{space / "medium"};
        for (const std::int64_t step : {1'000, 1'000'000'000}) {
            medium.fail({.time_step = step});
            export_again(medium.path());
            EXPECT_GE(granularity(), (Time{step / 1'000'000'000,
                                           static_cast<std::uint32_t>(step % 1'000'000'000)}));
        }
        files.reset();
    });
}

}  // namespace
}  // namespace berth::vfs::posix
