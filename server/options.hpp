// What the command line and the configuration file ask for.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "nfs/vfs/export_options.hpp"
#include "rpc/endpoint.hpp"

namespace berth::server {

enum class PortmapMode : std::uint8_t {
    automatic,   ///< own port 111, else register with who has it, else go on without
    embedded,    ///< own port 111 or fail
    registered,  ///< register with the system's rpcbind or fail
    off,
};

enum class LogFormat : std::uint8_t { text, json };

/// Where to listen. Without an address: everywhere, IPv4 and IPv6.
struct ListenAddress {
    std::vector<rpc::Address> addresses;
    std::uint16_t port = 2049;  ///< 0: pick one

    bool operator==(const ListenAddress&) const = default;
};

struct ServeOptions {
    std::vector<std::string> directories;
    std::vector<std::string> memory_names;  ///< trees in RAM, exported as /NAME
    std::vector<std::filesystem::path> exports_files;
    ListenAddress listen;
    vfs::ExportOptions exports;  ///< of `directories` and `memory_names`
    PortmapMode portmap = PortmapMode::automatic;
    unsigned threads = 0;         ///< network threads; 0: one per core
    unsigned workers = 64;        ///< threads for calls that may block
    bool manages_groups = false;  ///< callers have the groups that the server knows of
    std::optional<std::filesystem::path> state;
    std::chrono::seconds grace{45};  ///< to reclaim locks after a restart; 0: none
    std::string log_level = "info";
    LogFormat log_format = LogFormat::text;
};

/// What the user asked for can't be: one line for them, exit status 2.
class UsageError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

enum class Command : std::uint8_t { serve, check_exports, explain_exports, locks, version, help };

/// What `berth exports` is to look at.
struct ExportsOptions {
    std::vector<std::filesystem::path> files;  ///< those of the system unless named
    std::string client;                        ///< to explain: an address or a host name
    std::string path;
};

/// `berth locks`, which asks a running server.
struct LocksOptions {
    std::optional<std::filesystem::path> state;  ///< of that server
    std::string request = "locks";
};

struct CommandLine {
    Command command = Command::help;
    ServeOptions serve;
    ExportsOptions exports;
    LocksOptions locks;
    std::string help_text;
};

/// Flags win over the file that --config names, the file wins over what is built in. Throws
/// UsageError.
CommandLine parse_command_line(int argument_count, const char* const* arguments);

/// "2049", ":2049", "10.0.0.1", "10.0.0.1:2049", "[::1]:2049", "localhost:2049". Throws UsageError.
ListenAddress parse_listen_address(const std::string& text);

}  // namespace berth::server
