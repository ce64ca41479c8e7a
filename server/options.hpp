// The options of the command line and the configuration file.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <boost/filesystem/path.hpp>

#include "nfs/exports/client_rule.hpp"
#include "nfs/exports/options.hpp"
#include "rpc/endpoint.hpp"

namespace berth::server {

enum class PortmapMode : std::uint8_t {
    automatic,   ///< own port 111, else register with its owner, else do without
    embedded,    ///< own port 111 or fail
    registered,  ///< register with the system's rpcbind or fail
    off,
};

enum class LogFormat : std::uint8_t { text, json };

/// Where to listen. Without an address: on all, IPv4 and IPv6.
struct ListenAddress {
    std::vector<rpc::Address> addresses;
    std::uint16_t port = 2049;  ///< 0: pick one
    /// Addresses of IPv6 are left out where the machine has none.
    bool v6_may_lack = false;

    bool operator==(const ListenAddress&) const = default;
};

/// Whether the options and their files are read for the first time. After that the contents of a
/// pipe are gone.
enum class Reading : std::uint8_t { at_start, again };

/// A rule of faults, and where it was written.
struct FaultRule {
    std::string text;
    std::string source;  ///< "--fault", "BERTH_FAULT", "/etc/berth/berth.toml:3"

    bool operator==(const FaultRule& other) const { return text == other.text; }
};

using Places = std::map<std::string, std::string>;

struct ServeOptions {
    Reading reading = Reading::at_start;
    /// Where a path of `directories`, `exports_files` or `fault_files` is written, if that is not
    /// the command line: "/etc/berth/berth.toml:3".
    Places places;
    std::vector<std::string> doubts;  ///< sentences: what may not have been meant so
    std::vector<std::string> directories;
    std::vector<std::string> memory_names;  ///< trees in RAM, exported as /NAME
    std::vector<boost::filesystem::path> exports_files;
    std::vector<ListenAddress> listen;  ///< empty: port 2049 of all interfaces
    /// The clients of `directories` and `memory_names`. Empty: those of exports::private_clients().
    std::vector<exports::ClientPattern> clients;
    exports::Options exports;  ///< for `directories` and `memory_names`
    PortmapMode portmap = PortmapMode::automatic;
    unsigned threads = 0;                        ///< network threads; 0: one per core
    unsigned workers = 96;                       ///< threads for calls that may block
    std::optional<std::size_t> memory_max;       ///< bytes for calls; default by machine
    std::optional<std::size_t> connections_max;  ///< default by limit on open files
    std::chrono::seconds idle_max{360};          ///< of connections; 0: for ever
    bool manages_groups = false;                 ///< callers get the groups that the server knows
    std::optional<boost::filesystem::path> state;
    std::chrono::seconds grace{45};  ///< to reclaim locks after a restart; 0: none
    std::vector<FaultRule> faults;
    std::vector<boost::filesystem::path> fault_files;
    std::string log_level = "info";
    LogFormat log_format = LogFormat::text;
};

/// The user's request can't be met: one line for the user, exit status 2.
class UsageError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// The path for messages, behind the place where it is written, if that is known.
[[nodiscard]] std::string with_place(const Places& places, const std::string& path);

enum class Command : std::uint8_t {
    serve,
    check_exports,
    explain_exports,
    locks,
    release_locks,
    add_fault,
    list_faults,
    remove_fault,
    clear_faults,
    release_fault,
    crash_locks,
    impose_grace,
    version,
    help,
};

/// The input of `berth exports`.
struct ExportsOptions {
    std::vector<boost::filesystem::path> files;  ///< the system's, unless given
    std::string client;                          ///< to explain: an address or a host name
    std::string path;
};

/// `berth locks`, which asks a running server.
struct LocksOptions {
    std::optional<boost::filesystem::path> state;  ///< of that server
    std::string client;                            ///< whose locks to release
};

/// `berth fault`, which asks a running server.
struct FaultOptions {
    std::optional<boost::filesystem::path> state;  ///< of that server
    std::string text;                              ///< a rule, the name of one, or seconds
};

struct CommandLine {
    Command command = Command::help;
    ServeOptions serve;
    ExportsOptions exports;
    LocksOptions locks;
    FaultOptions fault;
    std::string source;  ///< where the value stands that is being taken: "--fault"
    std::string config;  ///< the configuration file; empty: none
    std::string topic;   ///< the command to explain; empty: all
};

/// Flags win over the environment (BERTH_...), that over the file that --config names, and that
/// over defaults. Throws UsageError.
CommandLine parse_command_line(int argument_count, const char* const* arguments,
                               Reading reading = Reading::at_start);

/// What `berth help` prints about a command, or about all. Throws UsageError if there is none of
/// this name.
std::string help_about(const std::string& topic);

}  // namespace berth::server
