#include "server/commands/table.hpp"

#include <algorithm>

#include "server/commands/values.hpp"

namespace berth::server::commands {
namespace {

constexpr std::string_view system_exports = "/etc/exports and /etc/exports.d";
constexpr std::string_view exports_file = "a file of berth-exports(5); - is standard input";

constexpr Option check_options[] = {
    {.name = "FILE",
     .shape = Shape::many,
     .value = "FILE",
     .fallback = system_exports,
     .summary = exports_file,
     .take = take_file},
};

constexpr Option explain_options[] = {
    {.name = "CLIENT",
     .value = "CLIENT",
     .summary = "its address or host name",
     .take = take_explained_client,
     .is_required = true},
    {.name = "PATH",
     .value = "PATH",
     .summary = "what it mounts",
     .take = take_explained_path,
     .is_required = true},
    {.name = "exports",
     .shape = Shape::many,
     .value = "FILE",
     .fallback = system_exports,
     .summary = exports_file,
     .take = take_file},
};

constexpr Option state_of_server{
    .name = "state",
    .value = "DIR",
    .fallback = "/var/lib/berth; as a user $XDG_STATE_HOME/berth or ~/.local/state/berth",
    .summary = "the state directory of the server that is asked",
    .take = take_state_of_server,
};

constexpr Option locks_options[] = {state_of_server};

constexpr Option release_options[] = {
    {.name = "CLIENT",
     .value = "CLIENT",
     .summary = "its address, or the name that 'berth locks' shows",
     .take = take_released_client,
     .is_required = true},
    state_of_server,
};

constexpr Option help_options[] = {
    {.name = "COMMAND",
     .shape = Shape::many,
     .value = "COMMAND",
     .summary = "what to explain; without it, all commands are listed",
     .take = take_topic},
};

const Row rows[] = {
    {Command::serve, "serve", "export directories over NFSv3",
     "Serves until SIGTERM or SIGINT. SIGHUP has exports files and the configuration read again. "
     "Without DIR and --memory, the exports files say what is exported.",
     serve_options(), true},
    {Command::check_exports, "exports check", "find mistakes in exports files",
     "Every mistake is a line with its place, and the exit status is 2. Without mistakes, the "
     "table of clients is printed, in the order of precedence.",
     check_options},
    {Command::explain_exports, "exports explain", "say what a client may do with a path, and why",
     "The exit status is 1 if a mount would fail.", explain_options},
    {Command::locks, "locks", "show who holds and waits for locks",
     "Asks the running server through admin.sock in its state directory.", locks_options},
    {Command::release_locks, "locks release", "free what a client that is gone for good has locked",
     "The exit status is 1 if the client has no locks.", release_options},
    {Command::version, "version", "say which version this is", "", {}},
    {Command::help, "help", "explain a command", "", help_options},
};

}  // namespace

std::string_view title_of(Topic topic) {
    switch (topic) {
    case Topic::exports: return "Exports";
    case Topic::network: return "Network";
    case Topic::identity: return "Identity";
    case Topic::ceilings: return "Ceilings";
    case Topic::state: return "State and configuration";
    case Topic::log: return "Log";
    case Topic::other: break;
    }
    return "Options";
}

std::string Option::written() const {
    return is_operand() ? std::string{name} : "--" + std::string{name};
}

std::string_view Option::key() const noexcept {
    return name == "DIR" ? "directories" : name;
}

std::string Option::variable() const {
    std::string text = "BERTH_";
    for (const char c : key())
        text += c == '-' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
    return text;
}

std::span<const Row> all() {
    return rows;
}

std::string usage_of(const Row& row) {
    auto text = "berth " + std::string{row.name};
    bool has_options = false;
    for (const auto& option : row.options) {
        if (!option.is_operand()) {
            has_options = true;
            continue;
        }
        const auto name = std::string{option.name} + (option.shape == Shape::many ? "..." : "");
        text += option.is_required ? " " + name : " [" + name + "]";
    }
    return has_options ? text + " [OPTION...]" : text;
}

}  // namespace berth::server::commands
