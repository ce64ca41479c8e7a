#include "server/descriptors.hpp"

#include <iterator>
#include <system_error>

#include <sys/resource.h>

#include <boost/filesystem/directory.hpp>
#include <spdlog/spdlog.h>

#include "server/options.hpp"

namespace berth::server {
namespace {

constexpr const char* what_to_do =
    "raise the hard limit (ulimit -Hn, LimitNOFILE= of systemd, --ulimit nofile= of a container)";

rlimit limits() {
    rlimit found{.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};
    ::getrlimit(RLIMIT_NOFILE, &found);
    return found;
}

}  // namespace

void claim_descriptors() {
    auto limit = limits();
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    if (const auto had = limits().rlim_cur; had < descriptors_to_start)
        throw UsageError(fmt::format("only {} files and connections can be open at a time, and a "
                                     "server needs {} at least: {}",
                                     had, descriptors_to_start, what_to_do));
}

void check_descriptors() {
    constexpr std::size_t few = 512;
    const auto had = limits().rlim_cur;
    const auto used = open_descriptors();
    if (had < used + descriptors_for_clients)
        throw UsageError(fmt::format("only {} files and connections can be open at a time: {} are "
                                     "before the first client comes, which leaves less than {} for "
                                     "clients: {}",
                                     had, used, descriptors_for_clients, what_to_do));
    if (had < used + few)
        spdlog::warn("the limit on open files and connections is low ({}, {} in "
                     "use), so calls may have to wait for each other; {}",
                     had, used, what_to_do);
    else
        spdlog::info("{} files and connections can be open at a time, and {} are", had, used);
}

std::size_t open_descriptors() {
    boost::system::error_code error;
    boost::filesystem::directory_iterator entry{"/proc/self/fd", error};
    if (error) return 0;
    const auto count = std::distance(begin(entry), end(entry));
    return static_cast<std::size_t>(count) - 1;  // without the one that is counting
}

}  // namespace berth::server
