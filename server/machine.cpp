#include "server/machine.hpp"

#include <algorithm>
#include <fstream>
#include <limits>
#include <optional>
#include <string>
#include <thread>

#include <sys/resource.h>

#include <boost/filesystem/path.hpp>
#include <spdlog/spdlog.h>

namespace berth::server {

namespace {

namespace fs = boost::filesystem;

/// "MemTotal:       24689764 kB"
std::optional<std::size_t> machine_memory(const fs::path& root) {
    std::ifstream file{root / "proc/meminfo"};
    std::string name;
    std::size_t kibibytes = 0;
    std::string rest;
    while (file >> name >> kibibytes && std::getline(file, rest))
        if (name == "MemTotal:") return kibibytes << 10;
    return {};
}

/// The cgroup (version 2) as this process sees it, "0::/kubepods/pod1".
std::optional<fs::path> own_cgroup(const fs::path& root) {
    constexpr std::string_view version_2 = "0::/";
    std::ifstream file{root / "proc/self/cgroup"};
    std::string line;
    while (std::getline(file, line))
        if (line.starts_with(version_2)) return line.substr(version_2.size());
    return {};
}

/// A number of bytes; "max" gives none.
std::optional<std::size_t> number_in(const fs::path& path) {
    std::ifstream file{path};
    std::size_t number = 0;
    if (file >> number) return number;
    return {};
}

/// The least of the limits of the group and all groups that contain it.
std::optional<std::size_t> cgroup_memory(const fs::path& root) {
    const auto own = own_cgroup(root);
    if (!own) return {};
    const auto top = root / "sys/fs/cgroup";
    std::optional<std::size_t> least;
    for (auto group = *own;; group = group.parent_path()) {
        for (const auto* limit : {"memory.max", "memory.high"})
            if (const auto bytes = number_in(top / group / limit))
                least = std::min(least.value_or(*bytes), *bytes);
        if (group.empty()) return least;
    }
}

}  // namespace

std::size_t memory_bytes(const fs::path& root) {
    const auto machine = machine_memory(root);
    const auto group = cgroup_memory(root);
    if (machine && group) return std::min(*machine, *group);
    return machine ? *machine : group.value_or(0);
}

DescriptorParts share_out_descriptors(std::size_t limit, unsigned network_threads) {
    constexpr std::size_t connections_max = 20'000;
    constexpr std::size_t files_max = 65'536;
    constexpr std::size_t locks_max = 16'384;
    const std::size_t threads =
        network_threads > 0 ? network_threads : std::max(1U, std::thread::hardware_concurrency());
    // Each thread needs three to wait with; without those nothing works.
    const auto rest = std::min(limit / 4, 64 + 3 * threads);
    const auto left = limit - rest;
    DescriptorParts parts;
    parts.locks = std::min(left / 5, locks_max);
    parts.connections = std::min((left - parts.locks) / 2, connections_max);
    parts.files = std::min(left - parts.locks - parts.connections, files_max);
    return parts;
}

std::size_t descriptor_limit() {
    constexpr std::size_t usual = 1024;
    rlimit limit{};
    return ::getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : usual;
}

rpc::Budget::Limits budget_limits(const ServeOptions& options, const DescriptorParts& descriptors) {
    rpc::Budget::Limits limits;
    if (options.memory_max) {
        limits.bytes_max = *options.memory_max;
    } else if (const auto memory = memory_bytes(); memory > 0) {
        limits.bytes_max =
            std::clamp(memory / 8, rpc::Budget::bytes_min, rpc::Budget::Limits{}.bytes_max);
    }
    limits.connections_max = options.connections_max.value_or(descriptors.connections);
    if (limits.connections_max > descriptors.connections)
        spdlog::warn("--connections-max {}: the limit on open files leaves {} descriptors for "
                     "connections; a higher one (ulimit -n, LimitNOFILE=) allows more",
                     limits.connections_max, descriptors.connections);
    limits.connections_max = std::min(limits.connections_max, descriptors.connections);
    spdlog::debug("calls may hold {} MiB of memory, and there may be {} connections",
                  limits.bytes_max >> 20, limits.connections_max);
    return limits;
}

}  // namespace berth::server
