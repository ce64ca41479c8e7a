#include "server/application.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <malloc.h>
#include <spdlog/spdlog.h>

#include "mount/service.hpp"
#include "nfs/exports/nested.hpp"
#include "nfs/service.hpp"
#include "nfs/state/store.hpp"
#include "nfs/vfs/mounts.hpp"
#include "nfs/vfs/posix.hpp"
#include "nlm/programs.hpp"
#include "server/admin_socket.hpp"
#include "server/call_log.hpp"
#include "server/descriptors.hpp"
#include "server/export_trees.hpp"
#include "server/fault_report.hpp"
#include "server/faults/export_paths.hpp"
#include "server/faults/faults.hpp"
#include "server/following.hpp"
#include "server/interruptible.hpp"
#include "server/last_resort.hpp"
#include "server/listening.hpp"
#include "server/lock_manager.hpp"
#include "server/lock_report.hpp"
#include "server/log.hpp"
#include "server/machine.hpp"
#include "server/name_check.hpp"
#include "server/portmapping.hpp"
#include "server/printable.hpp"
#include "server/privileges.hpp"
#include "server/service_manager.hpp"
#include "server/signals.hpp"
#include "server/standard_streams.hpp"
#include "server/state_directory.hpp"
#include "server/sweeper.hpp"
#include "server/system_groups.hpp"
#include "server/system_hosts.hpp"
#include "server/version.hpp"

namespace berth::server {

namespace {

constexpr std::chrono::seconds patience_at_stop{5};
/// A client that can't be told now learns it after the next start.
constexpr std::chrono::seconds patience_with_clients{1};
constexpr std::chrono::seconds patience_with_readers{1};
constexpr std::chrono::seconds patience_with_threads{1};
constexpr std::chrono::milliseconds patience_with_names{100};

/// Waits for a signal; 0: a mount has changed, or an exported directory was replaced.
int what_next(Signals& signals, ServiceManager& manager, const vfs::MountChanges& mounts,
              const Following& following) {
    if (signals.has_left_one()) return signals.take();
    std::array<pollfd, 3> awaited{{{.fd = signals.descriptor(), .events = POLLIN, .revents = 0},
                                   {.fd = mounts.descriptor(), .events = POLLPRI, .revents = 0},
                                   {.fd = following.descriptor(), .events = POLLIN, .revents = 0}}};
    while (manager.wait(awaited, {}) < 0) {
    }
    return awaited[0].revents == 0 ? 0 : signals.take();
}

std::uint64_t random_number() {
    std::random_device device;
    return std::uint64_t{device()} << 32 | device();
}

std::string host_for_clients(const Listening& listening) {
    const auto& address = listening.bound.front().endpoint.address;
    if (!address.is_any()) return address.v6 ? "[" + address.text() + "]" : address.text();
    std::array<char, 256> name{};
    if (::gethostname(name.data(), name.size() - 1) != 0) return "SERVER";
    return name.data();
}

/// A path in shell syntax. Bytes that a terminal must not get are written as in bash: $'a\x1bb'.
std::string quoted(const std::string& text) {
    constexpr std::string_view plain =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+:@%[]";
    if (text.find_first_not_of(plain) == std::string::npos) return text;
    const bool is_text = is_printable(text);
    std::string out = is_text ? "'" : "$'";
    for (const char c : text) {
        if (c == '\'') out += is_text ? "'\\'" : "\\";
        if (c == '\\' && !is_text) out += "\\";
        out += c;
    }
    return (is_text ? out : printable(out)) + "'";
}

void announce(const Listening& listening, const exports::Table& exports, bool is_in_portmap) {
    std::string where;
    for (const auto& binding : listening.bound)
        if (binding.transport == rpc::Transport::tcp)
            where += (where.empty() ? "" : " and ") + binding.endpoint.text();
    std::string text =
        "berth " + std::string{version} + " serves NFSv3 on " + where + ", TCP and UDP\n";
    const auto port = std::to_string(listening.port);
    // Clients ask port 111 for the lock manager, whatever the command says.
    const auto found = is_in_portmap ? std::string{"vers=3"}
                                     : "vers=3,nolock,proto=tcp,port=" + port +
                                           ",mountproto=tcp,mountport=" + port;
    const auto host = host_for_clients(listening);
    for (const auto& exported : exports.all())
        if (!exported.is_nested)
            text +=
                "mount -t nfs -o " + found + " " + quoted(host + ":" + exported.path) + " /mnt\n";
    if (!write_within(STDOUT_FILENO, text, patience_with_readers))
        spdlog::warn(
            "standard output can't be written, or nobody reads it: the commands that mount "
            "the exports are not all there");
}

void tell_stopping(int signal, const ServiceManager& manager) {
    manager.stopping();
    spdlog::info("stopping: {}", signal == SIGTERM ? "SIGTERM" : "SIGINT");
}

/// `is_quiet`: no call is left. `is_reading`: exports are still being opened.
void tell_abrupt_end(bool is_quiet, bool is_reading) {
    if (!is_quiet)
        spdlog::warn("calls were still waiting for a disk after {} s", patience_at_stop.count());
    else if (is_reading)
        spdlog::info("berth ends while it looks at its exports, and does not wait for the result");
}

/// Ends the process without waiting for anybody. Threads that a file system holds keep the kernel
/// from closing what the process has open, for however long; the next server need not wait for
/// that.
class AbruptEnd {
public:
    AbruptEnd(Log& log, const StateDirectory& state, const ExportTrees& trees)
        : log_(log),
          lock_(state.lock()),
          journal_(trees.journal()) {}

    [[noreturn]] void operator()() const {
        log_.finish(Log::patience_at_end);
        if (const auto journal = journal_.lock()) vfs::posix::release(*journal);
        StateDirectory::release(lock_);
        std::_Exit(EXIT_SUCCESS);
    }

private:
    Log& log_;
    StateDirectory::Lock lock_;
    std::weak_ptr<vfs::posix::NameJournal> journal_;
};

/// From here on files are closed, for no longer than there is patience.
void end_in_time(LastResort& last_resort, const AbruptEnd& end_now) {
    last_resort.arm(patience_at_stop, [end_now] {
        spdlog::warn("files could not be closed within {} s: a file system does not answer",
                     patience_at_stop.count());
        end_now();
    });
}

/// Opens the exports; ends the process if it is told to stop meanwhile.
ExportTrees::Opening open_or_end(ExportTrees& trees, const ServeOptions& options, Signals& signals,
                                 ServiceManager& manager, const AbruptEnd& end_now) {
    ExportTrees::Opening opening;
    const auto signal = run_interruptibly(
        signals, manager, [&] { opening = trees.open(options); },
        [&] { return trees.busy_with(); });
    if (signal) {
        tell_stopping(*signal, manager);
        end_now();
    }
    trees.keep(opening);
    if (opening.exports.empty()) spdlog::warn("nothing is exported");
    say_what_cannot_work(options, opening);
    return opening;
}

/// Serves the exports, as they change, until a signal ends that. Returns whether exports are still
/// being read then.
bool follow_until_the_end(Reloading& reloading, const ExportTrees& trees, Signals& signals,
                          ServiceManager& manager, const vfs::MountChanges& mounts,
                          const Following& following) {
    int signal = 0;  // the first round: what was mounted since the exports were opened
    for (;;) {
        std::optional<int> ending;
        try {
            ending = run_interruptibly(
                signals, manager,
                [&] { signal == 0 ? reloading.look_again() : reloading.reload(); },
                [&] { return trees.busy_with(); });
        } catch (const std::system_error& error) {
            // A server that can't look at the exports again serves on as before.
            spdlog::error("exports, and what is mounted below them, stay as they were: {}",
                          error.what());
        }
        if (!ending) signal = what_next(signals, manager, mounts, following);
        if (!ending && (signal == SIGHUP || signal == 0)) continue;
        tell_stopping(ending.value_or(signal), manager);
        return ending.has_value();
    }
}

/// For the service manager: what keeps calls from being answered.
std::string trouble_of(const rpc::Server::Statistics& statistics) {
    const auto count = statistics.silent_places;
    if (count == 0) return {};
    return fmt::format("{} do{} not answer",
                       count == 1 ? "a file system" : fmt::format("{} file systems", count),
                       count == 1 ? "es" : "");
}

/// Has the service manager see from now on how the server is doing, which outlives it.
void show_in(ServiceManager& manager, rpc::Server& server) {
    manager.show_life_while([&] { return server.answers(patience_with_threads); });
    manager.show_trouble([&] { return trouble_of(server.statistics()); });
}

/// The answers to `berth locks` and `berth fault`; null without a state directory.
std::unique_ptr<AdminSocket> admin_socket(const StateDirectory& state, faults::Faults& faults,
                                          nlm::Services& locks) {
    const auto socket = state.file(admin_socket_name);
    if (!socket) return {};
    return std::make_unique<AdminSocket>(*socket, [&](std::string_view request) {
        return is_about_faults(request) ? answer_about_faults(faults, locks, request)
                                        : answer_about_locks(locks, request);
    });
}

/// Makes the modes that clients send effective, whoever started the server.
void set_up_process() {
    ::umask(0);
    // One heap per processor is enough for calls that hardly use it. By default there are up to
    // eight per processor, and each keeps the memory that it once held.
    const auto processors = std::max(2U, std::thread::hardware_concurrency());
    ::mallopt(M_ARENA_MAX, static_cast<int>(processors));
    // Freed large blocks go back to the system. By default malloc adapts to the first ones and
    // keeps later ones.
    constexpr int large_bytes = 128 << 10;
    constexpr int unused_bytes_max = 4 << 20;
    ::mallopt(M_MMAP_THRESHOLD, large_bytes);
    ::mallopt(M_TRIM_THRESHOLD, unused_bytes_max);
}

rpc::ServerOptions server_options(const ServeOptions& options,
                                  std::shared_ptr<rpc::Correspondents> correspondents,
                                  std::shared_ptr<rpc::Budget> budget) {
    rpc::ServerOptions chosen;
    chosen.network_threads = options.threads;
    chosen.workers = options.workers;
    chosen.correspondents = std::move(correspondents);
    chosen.budget = std::move(budget);
    chosen.idle_max = options.idle_max;
    return chosen;
}

}  // namespace

int serve(const ServeOptions& options, const Reloading::Reread& reread) {
    Signals signals;
    Log log{
        {.level = options.log_level, .format = options.log_format, .queue = {}, .repeated = {}}};
    LastResort last_resort;
    ServiceManager manager;
    vfs::posix::drop_resource_override();
    claim_descriptors();
    const StateDirectory state{options.state};
    set_up_process();
    const auto descriptors = share_out_descriptors(descriptor_limit(), options.threads);
    const auto budget = std::make_shared<rpc::Budget>(budget_limits(options, descriptors));
    const exports::HandleSealer sealer{state.handle_key()};
    std::optional<state::Store> store;
    if (state.is_kept()) store.emplace(state.folder());
    SystemHosts hosts;
    ExportTrees trees{state, descriptors.files};
    const AbruptEnd end_now{log, state, trees};
    auto opening = open_or_end(trees, options, signals, manager, end_now);
    SystemGroups system_groups;
    std::optional<exports::UserGroups> groups;
    if (options.manages_groups) groups.emplace(system_groups, exports::UserGroups::Limits{});
    exports::Exports exports{
        std::exchange(opening, {}).exports, &hosts, {}, groups ? &*groups : nullptr};

    nfs::Service nfs{exports, sealer, {.write_verifier = random_number()}};
    mount::MountList mounts{store ? &*store : nullptr};
    Following following;
    mount::Services mount{exports, sealer, mounts,
                          [&](const std::string& path) { return following.renew(path); }};
    rpc::Dispatcher dispatcher{{.bytes_max = budget->remembered_replies_bytes_max()}};
    dispatcher.add(rpc::make_program(nfs::program, nfs));
    for (auto& program : mount.programs()) dispatcher.add(std::move(program));
    const auto correspondents = std::make_shared<rpc::Correspondents>();
    nlm::Services locks{
        exports, sealer,
        locking_options(options, store ? &*store : nullptr, correspondents, descriptors.locks)};
    for (auto& program : locks.programs()) dispatcher.add(std::move(program));
    Portmapping portmapping{options.portmap, dispatcher};
    if (options.log_level == "trace") dispatcher.intercept(std::make_shared<CallLog>());
    const faults::ExportPaths paths{exports, sealer};
    const auto faults = faults_of(options, dispatcher, paths, locks);

    const auto listening =
        listen(options.listen, server_options(options, correspondents, budget), dispatcher);
    check_descriptors();
    portmapping.begin(dispatcher, listening);
    listening.server->start();
    locks.start();
    auto admin = admin_socket(state, *faults, locks);
    Sweeper sweeper{exports, *budget};
    announce(listening, *exports.pin(), portmapping.is_known());

    NameCheck names{hosts};
    names.begin(*exports.pin());
    Reloading reloading{
        exports,   trees,
        following, names,
        manager,   options,
        reread,    [&](const ServeOptions& next) { check_faults(next, dispatcher); }};
    const vfs::MountChanges mounted;
    show_in(manager, *listening.server);
    manager.serving(status_of(*exports.pin()));
    const bool is_reading =
        follow_until_the_end(reloading, trees, signals, manager, mounted, following);
    following.stop();
    faults->clear();  // calls that a rule holds are finished like others
    const bool is_clean = listening.server->stop(patience_at_stop);
    portmapping.end();
    const bool has_answered = !admin || admin->stop(patience_at_stop);
    const bool has_called_back = locks.stop(patience_with_clients);
    const bool is_quiet = is_clean && has_answered && sweeper.stop(patience_at_stop);
    const bool is_still = is_quiet && !is_reading && names.stop(patience_with_names);
    if (has_answered) admin.reset();
    if (is_still && has_called_back) {
        end_in_time(last_resort, end_now);
        return EXIT_SUCCESS;
    }
    tell_abrupt_end(is_quiet, is_reading);
    end_now();
}

}  // namespace berth::server
