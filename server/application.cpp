#include "server/application.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

#include <poll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <malloc.h>
#include <spdlog/spdlog.h>

#include "mount/service.hpp"
#include "nfs/service.hpp"
#include "nfs/vfs/nested.hpp"
#include "nfs/vfs/posix.hpp"
#include "nlm/programs.hpp"
#include "server/admin_socket.hpp"
#include "server/call_log.hpp"
#include "server/exporting.hpp"
#include "server/listening.hpp"
#include "server/lock_report.hpp"
#include "server/locking.hpp"
#include "server/log.hpp"
#include "server/portmapping.hpp"
#include "server/state_directory.hpp"
#include "server/sweeper.hpp"
#include "server/system_groups.hpp"
#include "server/system_hosts.hpp"
#include "server/version.hpp"

namespace berth::server {

namespace {

constexpr std::chrono::seconds patience_at_stop{5};
/// What a client is not told now it learns after the next start.
constexpr std::chrono::seconds patience_with_clients{1};

/// Blocked in every thread made after this; what_next() takes them one at a time.
class Signals {
public:
    Signals() {
        std::signal(SIGPIPE, SIG_IGN);
        sigemptyset(&set_);
        sigaddset(&set_, SIGTERM);
        sigaddset(&set_, SIGINT);
        sigaddset(&set_, SIGHUP);
        pthread_sigmask(SIG_BLOCK, &set_, nullptr);
        descriptor_ = ::signalfd(-1, &set_, SFD_CLOEXEC);
        if (descriptor_ < 0)
            throw std::system_error(errno, std::generic_category(), "cannot wait for signals");
    }
    Signals(const Signals&) = delete;
    Signals& operator=(const Signals&) = delete;
    ~Signals() { ::close(descriptor_); }

    /// Waits for a signal; 0: something was mounted or unmounted.
    [[nodiscard]] int what_next(const vfs::MountWatch& mounts) const {
        std::array<pollfd, 2> awaited{
            {{.fd = descriptor_, .events = POLLIN, .revents = 0},
             {.fd = mounts.descriptor(), .events = POLLPRI, .revents = 0}}};
        while (::poll(awaited.data(), awaited.size(), -1) < 0) {
        }
        signalfd_siginfo signal{};
        if (awaited[0].revents == 0) return 0;
        while (::read(descriptor_, &signal, sizeof signal) < 0) {
        }
        return static_cast<int>(signal.ssi_signo);
    }

private:
    sigset_t set_{};
    int descriptor_ = -1;
};

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

/// A path as a shell takes it.
std::string quoted(const std::string& text) {
    constexpr std::string_view plain =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+:@%[]";
    if (text.find_first_not_of(plain) == std::string::npos) return text;
    std::string out = "'";
    for (const char c : text) out += c == '\'' ? std::string{"'\\''"} : std::string{c};
    return out + "'";
}

void announce(const Listening& listening, const vfs::ExportTable& exports, bool is_in_portmap) {
    std::string where;
    for (const auto& binding : listening.bound)
        if (binding.transport == rpc::Transport::tcp)
            where += (where.empty() ? "" : " and ") + binding.endpoint.text();
    std::string text =
        "berth " + std::string{version} + " serves NFSv3 on " + where + ", TCP and UDP\n";
    const auto port = std::to_string(listening.port);
    // A client asks port 111 for the lock manager, whatever the command says.
    const auto found = is_in_portmap ? std::string{"vers=3"}
                                     : "vers=3,nolock,proto=tcp,port=" + port +
                                           ",mountproto=tcp,mountport=" + port;
    const auto host = host_for_clients(listening);
    for (const auto& exported : exports.all())
        if (!exported.is_nested)
            text +=
                "mount -t nfs -o " + found + " " + quoted(host + ":" + exported.path) + " /mnt\n";
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
}

/// What clients may count on, whoever started the server: the modes that they ask for, and as many
/// descriptors as are to be had.
void set_up_process() {
    ::umask(0);
    // A heap for each processor is enough for calls that hardly use it. By default each of the
    // first threads, eight for each processor, has one, and each keeps what it once held.
    const auto processors = std::max(2U, std::thread::hardware_concurrency());
    ::mallopt(M_ARENA_MAX, static_cast<int>(processors));
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

int serve(const ServeOptions& options, const Reloading::Reread& reread) {
    set_up_log(options.log_level, options.log_format);
    const Signals signals;
    set_up_process();
    vfs::posix::drop_resource_override();
    const StateDirectory state{options.state};
    const vfs::HandleSealer sealer{state.handle_key()};
    SystemHosts hosts;
    Exporting exporting{state};
    auto opening = exporting.open(options);
    exporting.keep(opening);
    if (opening.exports.empty()) spdlog::warn("nothing is exported");
    SystemGroups system_groups;
    std::optional<vfs::UserGroups> groups;
    if (options.manages_groups) groups.emplace(system_groups, vfs::UserGroups::Limits{});
    vfs::Exports exports{
        std::exchange(opening, {}).exports, &hosts, {}, groups ? &*groups : nullptr};

    nfs::Service nfs{exports, sealer, {.write_verifier = random_number()}};
    mount::MountList mounts{state.file("mounts")};
    mount::Services mount{exports, sealer, mounts};
    rpc::Dispatcher dispatcher;
    dispatcher.add(rpc::make_program(nfs::program, nfs));
    for (auto& program : mount.programs()) dispatcher.add(std::move(program));
    nlm::Services locks{exports, sealer, locking_options(options, state)};
    for (auto& program : locks.programs()) dispatcher.add(std::move(program));
    Portmapping portmapping{options.portmap, dispatcher};
    if (options.log_level == "trace") dispatcher.watch(std::make_shared<CallLog>());

    rpc::ServerOptions server_options;
    server_options.network_threads = options.threads;
    server_options.workers = options.workers;
    const auto listening = listen(options.listen, server_options, dispatcher);
    portmapping.begin(dispatcher, listening);
    listening.server->start();
    locks.start();
    std::optional<AdminSocket> admin;
    if (const auto socket = state.file(admin_socket_name))
        admin.emplace(*socket,
                      [&](std::string_view request) { return answer_about_locks(locks, request); });
    Sweeper sweeper{exports};
    announce(listening, *exports.pin(), portmapping.is_known());

    Reloading reloading{exports, exporting, options, reread};
    const vfs::MountWatch mounted;
    reloading.look_again();  // for what was mounted since the exports were opened
    auto signal = signals.what_next(mounted);
    for (; signal == SIGHUP || signal == 0; signal = signals.what_next(mounted))
        signal == 0 ? reloading.look_again() : reloading.reload();
    spdlog::info("stopping: {}", signal == SIGTERM ? "SIGTERM" : "SIGINT");
    const bool is_clean = listening.server->stop(patience_at_stop);
    portmapping.end();
    const bool has_answered = !admin || admin->stop(patience_at_stop);
    const bool has_called_back = locks.stop(patience_with_clients);
    const bool is_still = is_clean && has_answered && sweeper.stop(patience_at_stop);
    if (has_answered) admin.reset();
    if (is_still && has_called_back) return EXIT_SUCCESS;
    if (!is_still)
        spdlog::warn("calls were still waiting for a disk after {} s", patience_at_stop.count());
    spdlog::shutdown();
    std::_Exit(EXIT_SUCCESS);
}

}  // namespace berth::server
