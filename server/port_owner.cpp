#include "server/port_owner.hpp"

#include <charconv>
#include <fstream>
#include <set>
#include <sstream>
#include <string_view>

#include <unistd.h>

#include <boost/filesystem/directory.hpp>
#include <boost/filesystem/operations.hpp>
#include <spdlog/fmt/fmt.h>

namespace berth::server {
namespace {

namespace fs = boost::filesystem;

/// The inodes of the sockets that have this port, from a table of proc_pid_net(5).
void read_sockets(const char* table, std::uint16_t port, bool listens,
                  std::set<std::string>& inodes) {
    constexpr std::string_view listening = "0A";
    std::ifstream lines{table};
    std::string line;
    std::getline(lines, line);  // the heading
    while (std::getline(lines, line)) {
        std::istringstream words{line};
        std::string slot;
        std::string local;
        std::string remote;
        std::string state;
        std::string skipped;
        std::string inode;
        words >> slot >> local >> remote >> state;
        for (int i = 0; i < 5; ++i) words >> skipped;
        words >> inode;
        const auto colon = local.rfind(':');
        if (colon == std::string::npos) continue;
        unsigned number = 0;
        const auto* const end = local.data() + local.size();
        std::from_chars(local.data() + colon + 1, end, number, 16);
        if (number == port && (!listens || state == listening)) inodes.insert(inode);
    }
}

bool has_one_of(const fs::path& process, const std::set<std::string>& inodes) {
    boost::system::error_code error;
    for (fs::directory_iterator at{process / "fd", error}, end; !error && at != end;
         at.increment(error)) {
        boost::system::error_code ignored;
        const auto target = fs::read_symlink(at->path(), ignored).string();
        constexpr std::string_view prefix = "socket:[";
        if (target.starts_with(prefix) &&
            inodes.contains(target.substr(prefix.size(), target.size() - prefix.size() - 1)))
            return true;
    }
    return false;
}

}  // namespace

std::string owner_of_port(const rpc::Server::Binding& wanted) {
    const bool is_tcp = wanted.transport == rpc::Transport::tcp;
    std::set<std::string> inodes;
    for (const auto* table : {is_tcp ? "/proc/self/net/tcp" : "/proc/self/net/udp",
                              is_tcp ? "/proc/self/net/tcp6" : "/proc/self/net/udp6"})
        read_sockets(table, wanted.endpoint.port, is_tcp, inodes);
    if (inodes.empty()) return {};
    boost::system::error_code error;
    for (fs::directory_iterator at{"/proc", error}, end; !error && at != end; at.increment(error)) {
        const auto pid = at->path().filename().string();
        if (pid.find_first_not_of("0123456789") != std::string::npos) continue;
        if (!has_one_of(at->path(), inodes)) continue;
        std::string name;
        std::getline(std::ifstream{(at->path() / "comm").string()}, name);
        return fmt::format("{} (pid {})", name, pid);
    }
    return ::geteuid() == 0 ? "the kernel's own NFS server (nfs-server), or another container"
                            : "another user's program";
}

}  // namespace berth::server
