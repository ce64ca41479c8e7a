// The resources of the machine, or of the container that the server is in.
#pragma once

#include <cstddef>

#include <boost/filesystem/path.hpp>

#include "rpc/budget.hpp"
#include "server/options.hpp"

namespace berth::server {

/// Bytes of memory: the machine's, or what cgroups (version 2) grant this process, if that is less.
/// 0 if unknown. `root`: where /proc and /sys are.
[[nodiscard]] std::size_t memory_bytes(const boost::filesystem::path& root = "/");

/// How the process's descriptors are divided.
struct DescriptorParts {
    std::size_t connections = 0;
    std::size_t files = 0;  ///< of all exports together
    std::size_t locks = 0;
    // The rest is for listeners, threads, state files, the admin socket and name look-ups.
};
/// Divides `limit` descriptors.
[[nodiscard]] DescriptorParts share_out_descriptors(std::size_t limit, unsigned network_threads);
/// The process's limit as it is now (RLIMIT_NOFILE).
[[nodiscard]] std::size_t descriptor_limit();

/// The limits that the options set, otherwise limits that suit the machine.
[[nodiscard]] rpc::Budget::Limits budget_limits(const ServeOptions& options,
                                                const DescriptorParts& descriptors);

}  // namespace berth::server
