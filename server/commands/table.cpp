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

constexpr Option add_fault_options[] = {
    {.name = "RULE",
     .value = "RULE",
     .summary = "which calls it hits and what happens to them; berth-faults(5) describes it",
     .take = take_rule,
     .is_required = true},
    state_of_server,
};

constexpr Option named_fault_options[] = {
    {.name = "NAME",
     .value = "NAME",
     .summary = "the name that 'berth fault list' shows",
     .take = take_rule_name,
     .is_required = true},
    state_of_server,
};

constexpr Option grace_fault_options[] = {
    {.name = "SECONDS",
     .value = "SECONDS",
     .summary = "how long from now on, at most 3600; 0 ends it",
     .take = take_imposed_grace,
     .is_required = true},
    state_of_server,
};

constexpr Option faults_options[] = {state_of_server};

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
     "Every mistake is a line with its place, and the exit status is 2; it is 1 if there is no "
     "entry. Without mistakes, the table of clients is printed, in the order of precedence. Hosts "
     "and netgroups that nobody knows now are warnings.",
     check_options},
    {Command::explain_exports, "exports explain", "say what a client may do with a path, and why",
     "The exit status is 1 if a mount would fail.", explain_options},
    {Command::locks, "locks", "show who holds and waits for locks",
     "Asks the running server through admin.sock in its state directory.", locks_options},
    {Command::release_locks, "locks release", "free what a client that is gone for good has locked",
     "A name is freed at every address that has it. The exit status is 1 if the client has no locks.",
     release_options},
    {Command::add_fault, "fault add", "have the server misbehave as a rule says",
     "The running server takes the rule behind those that it has. A rule has words that name "
     "programs and procedures (`READ`, `NFS`, `NLM.LOCK`, `*`), conditions (`path=*.db`, "
     "`client=10.0.0.0/8`), which of the calls (`every=10`, `first=1`) and what happens "
     "(`delay=200ms`, `drop=reply`, `status=NFS3ERR_IO`).",
     add_fault_options},
    {Command::list_faults, "fault list", "show the rules and how many calls each has hit", "",
     faults_options},
    {Command::remove_fault, "fault remove", "take a rule away",
     "The exit status is 1 if there is no rule of that name.", named_fault_options},
    {Command::clear_faults, "fault clear", "take all rules away", "", faults_options},
    {Command::release_fault, "fault release", "have the calls go on that a rule holds",
     "For rules with `delay=held`; later calls are not held any more. The exit status is 1 if no "
     "rule of that name holds calls.",
     named_fault_options},
    {Command::crash_locks, "fault crash-locks", "lose all locks, as in a crash of the machine",
     "The state number goes up, clients are told by SM_NOTIFY, and the grace period begins in which "
     "they reclaim.",
     faults_options},
    {Command::impose_grace, "fault grace", "grant only reclaims for a while",
     "Locks stay. `fault grace 0` ends the grace period, also one after a restart.",
     grace_fault_options},
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
    case Topic::faults: return "Faults";
    case Topic::log: return "Log";
    case Topic::other: break;
    }
    return "Options";
}

std::string Option::written() const {
    return is_operand() ? std::string{name} : "--" + std::string{name};
}

std::string_view Option::key() const noexcept {
    return name == "DIR" ? "directories" : name == "FILE" ? "exports" : name;
}

std::string Option::variable() const {
    std::string text{variable_prefix};
    for (const char c : key())
        text += c == '-' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
    return text;
}

std::span<const Row> all() {
    return rows;
}

bool has_variable(const Row& row, const Option& option) {
    return row.is_configured || std::ranges::any_of(serve_options(), [&](const Option& of_server) {
               return of_server.key() == option.key();
           });
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
