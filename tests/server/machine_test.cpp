#include "server/machine.hpp"

#include <fstream>
#include <string_view>

#include <boost/filesystem/operations.hpp>
#include <boost/filesystem/path.hpp>
#include <gtest/gtest.h>

#include "tests/support/temporary_directory.hpp"

namespace berth::server {
namespace {

namespace fs = boost::filesystem;

constexpr std::size_t mib = std::size_t{1} << 20;

/// A machine as its files tell it.
class Machine : public ::testing::Test {
protected:
    void write(const fs::path& path, std::string_view text) const {
        const auto file = scratch.path() / path;
        fs::create_directories(file.parent_path());
        std::ofstream{file} << text;
    }
    [[nodiscard]] std::size_t memory() const { return memory_bytes(scratch.path()); }

    test::TemporaryDirectory scratch;
};

TEST_F(Machine, WithoutCgroupsHasWhatMeminfoSays) {
    EXPECT_EQ(memory(), 0U);
    write("proc/meminfo", "MemFree:  1 kB\nMemTotal:   2048 kB\nBuffers:  1 kB\n");
    EXPECT_EQ(memory(), 2 * mib);
    write("proc/self/cgroup", "4:memory:/old\n0::/a/b\n");
    EXPECT_EQ(memory(), 2 * mib);
}

TEST_F(Machine, TheLeastOfTheGroupsAboveCounts) {
    write("proc/meminfo", "MemTotal:   1048576 kB\n");
    write("proc/self/cgroup", "0::/a/b\n");
    write("sys/fs/cgroup/a/b/memory.max", "max\n");
    write("sys/fs/cgroup/a/b/memory.high", "max\n");
    EXPECT_EQ(memory(), 1024 * mib);
    write("sys/fs/cgroup/a/memory.max", "536870912\n");
    EXPECT_EQ(memory(), 512 * mib);
    write("sys/fs/cgroup/a/memory.high", "268435456\n");
    EXPECT_EQ(memory(), 256 * mib);
    write("sys/fs/cgroup/a/b/memory.max", "134217728\n");
    EXPECT_EQ(memory(), 128 * mib);
}

TEST_F(Machine, AContainersOwnGroupIsTheTop) {
    write("proc/meminfo", "MemTotal:   1048576 kB\n");
    write("proc/self/cgroup", "0::/\n");
    write("sys/fs/cgroup/memory.max", "67108864\n");
    EXPECT_EQ(memory(), 64 * mib);
}

TEST(Descriptors, EveryPartHasSome) {
    for (const std::size_t limit : {64U, 256U, 1024U, 4096U, 1U << 20}) {
        const auto parts = share_out_descriptors(limit, 2);
        EXPECT_GT(parts.connections, limit < 1U << 18 ? limit / 4 : 10'000) << limit;
        EXPECT_GT(parts.files, limit < 1U << 17 ? limit / 4 : 30'000) << limit;
        EXPECT_GT(parts.locks, 0U) << limit;
        EXPECT_LT(parts.connections + parts.files + parts.locks, limit) << limit;
    }
    EXPECT_LT(share_out_descriptors(1024, 64).connections,
              share_out_descriptors(1024, 1).connections);
}

TEST(BudgetLimits, OptionsWinButNotOverDescriptors) {
    ServeOptions options;
    const DescriptorParts parts{.connections = 100, .files = 100, .locks = 10};
    const auto usual = budget_limits(options, parts);
    EXPECT_LE(usual.bytes_max, 512 * mib);
    EXPECT_GE(usual.bytes_max, rpc::Budget::bytes_min);
    EXPECT_EQ(usual.connections_max, 100U);
    options.memory_max = 20 * mib;
    options.connections_max = 50;
    EXPECT_EQ(budget_limits(options, parts).bytes_max, 20 * mib);
    EXPECT_EQ(budget_limits(options, parts).connections_max, 50U);
    options.connections_max = 5000;
    EXPECT_EQ(budget_limits(options, parts).connections_max, 100U);
}

}  // namespace
}  // namespace berth::server
