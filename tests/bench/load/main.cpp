// The load generator: one measurement per run, one line of JSON on standard output. Any reply that
// is not what it must be makes the run fail.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <arpa/inet.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <getopt.h>

#include "tests/bench/load/engine.hpp"
#include "tests/bench/load/listing.hpp"
#include "tests/bench/load/process.hpp"
#include "tests/bench/load/session.hpp"
#include "tests/bench/load/starting.hpp"
#include "tests/bench/load/works.hpp"

namespace {

using namespace berth::bench;

constexpr const char* usage =
    R"(usage: load --server ADDR:PORT --export PATH [option...] WORK
       load --server ADDR:PORT --export PATH start COMMAND...

Measures one work and prints one line of JSON. WORK is one of those below, or `list`: READDIRPLUS of the whole of
--directory; or `start`: runs COMMAND and measures the time until it has served a call, then ends it.

  --server ADDR:PORT    where NFS is served
  --mount-port PORT     where MOUNT is [as --server]
  --export PATH         what to mount
  --shape CxD           connections x calls in flight on each [4x16]
  --seconds S           how long to measure [1]
  --calls N             measure that many calls instead, however long it takes
  --warmup S            before that [0.2]
  --apart               a send of its own for each call, even when several are due at once
  --pid PID             the server's process, for its CPU time and memory
  --pin CPU             keep the client and that process on one CPU
  --caller UID:GID      who calls [0:0]
  --name NAME           the directory to make for the work, below the export [bench-PID]
  --directory NAME      what `list` lists, below the export; --entries N: and how many must be there
  --idle N              so many connections more, silent after one NULL
  --beside WORK@CxD     another client does this all the while, from a process of its own
)";

struct Options {
    Plan plan{.shape = {4, 16}};
    in_port_t mount_port = 0;
    std::string exported;
    int cpu = -1;
    Caller caller;
    std::string name = "bench-" + std::to_string(getpid());
    std::string directory;
    std::uint64_t entries = 0;
    std::size_t idle = 0;
    std::string beside;
    std::string work;
    std::vector<char*> command;
};

[[noreturn]] void refuse(const std::string& why) {
    std::fprintf(stderr, "load: %s\n%s\nworks:", why.c_str(), usage);
    for (const auto& name : work_names()) std::fprintf(stderr, " %s", name.c_str());
    std::fprintf(stderr, " list start\n");
    std::exit(2);
}

/// Two numbers around a separator.
std::pair<std::uint64_t, std::uint64_t> pair_of(const std::string& text, char between) {
    const auto at = text.find(between);
    try {
        if (at != std::string::npos)
            return {std::stoull(text.substr(0, at)), std::stoull(text.substr(at + 1))};
    } catch (const std::logic_error&) {  // told below
    }
    refuse("'" + text + "': expected two numbers around '" + between + "'");
}

Shape shape_of(const std::string& text) {
    const auto [connections, in_flight] = pair_of(text, 'x');
    if (connections == 0 || in_flight == 0) refuse("'" + text + "': no calls");
    return {connections, in_flight};
}

sockaddr_in address_of(const std::string& text) {
    const auto colon = text.rfind(':');
    sockaddr_in address{.sin_family = AF_INET};
    if (colon == std::string::npos ||
        inet_pton(AF_INET, text.substr(0, colon).c_str(), &address.sin_addr) != 1)
        refuse("'" + text + "': expected ADDR:PORT");
    address.sin_port = htons(static_cast<in_port_t>(std::stoul(text.substr(colon + 1))));
    return address;
}

void set(Options& options, const std::string& name, const std::string& value) {
    Plan& plan = options.plan;
    if (name == "server") plan.server = address_of(value);
    if (name == "mount-port") options.mount_port = static_cast<in_port_t>(std::stoul(value));
    if (name == "export") options.exported = value;
    if (name == "shape") plan.shape = shape_of(value);
    if (name == "seconds") plan.seconds = std::stod(value);
    if (name == "calls") plan.calls = std::stoull(value);
    if (name == "warmup") plan.warmup_s = std::stod(value);
    if (name == "pid") plan.server_process = std::stoi(value);
    if (name == "apart") plan.gathers = false;
    if (name == "pin") options.cpu = std::stoi(value);
    if (name == "name") options.name = value;
    if (name == "directory") options.directory = value;
    if (name == "entries") options.entries = std::stoull(value);
    if (name == "idle") options.idle = std::stoull(value);
    if (name == "beside") options.beside = value;
    if (name == "caller") {
        const auto [uid, gid] = pair_of(value, ':');
        options.caller = {static_cast<std::uint32_t>(uid), static_cast<std::uint32_t>(gid)};
    }
}

Options parse(int count, char** arguments) {
    std::vector<option> known;
    for (const char* name :
         {"server", "mount-port", "export", "shape", "seconds", "calls", "warmup", "pid", "pin",
          "caller", "name", "directory", "entries", "idle", "beside"})
        known.push_back({name, required_argument, nullptr, 0});
    known.push_back({"apart", no_argument, nullptr, 0});
    known.push_back({});
    Options options;
    int index = 0;
    for (int found = 0; (found = getopt_long(count, arguments, "+", known.data(), &index)) != -1;) {
        if (found != 0) refuse("wrong option");
        try {
            set(options, known[static_cast<std::size_t>(index)].name,
                optarg != nullptr ? optarg : "");
        } catch (const std::logic_error&) {
            refuse(std::string{"--"} + known[static_cast<std::size_t>(index)].name + " " + optarg);
        }
    }
    if (optind == count) refuse("which work?");
    options.work = arguments[optind];
    options.command.assign(arguments + optind + 1, arguments + count);
    if (options.work != "start" && !options.command.empty()) refuse("more than one work");
    if (options.plan.server.sin_port == 0 || options.exported.empty())
        refuse("--server and --export are needed");
    return options;
}

sockaddr_in mount_address(const Options& options) {
    sockaddr_in address = options.plan.server;
    if (options.mount_port != 0) address.sin_port = htons(options.mount_port);
    return address;
}

/// The handle of what is exported.
Bytes mounted(const Options& options) {
    return Session{mount_address(options), options.caller}.mount(options.exported);
}

/// Another client's work, in a process of its own; begun when the constructor returns.
class Beside {
public:
    explicit Beside(const Options& options) {
        const auto at = options.beside.find('@');
        if (at == std::string::npos) refuse("--beside " + options.beside + ": expected WORK@CxD");
        Options other = options;
        other.work = options.beside.substr(0, at);
        other.plan.shape = shape_of(options.beside.substr(at + 1));
        int ends[2];
        if (pipe(ends) != 0) throw std::runtime_error("pipe");
        child_ = fork();
        if (child_ == 0) _exit(work(other, ends[1]));
        close(ends[1]);
        char begun = 0;
        const auto got = read(ends[0], &begun, 1);
        close(ends[0]);
        if (got != 1) throw std::runtime_error("the other client did not begin");
    }
    Beside(const Beside&) = delete;
    Beside& operator=(const Beside&) = delete;
    ~Beside() { end(); }

    /// Whether all its replies were good.
    bool end() {
        if (child_ == 0) return true;
        kill(child_, SIGTERM);
        int status = 0;
        waitpid(child_, &status, 0);
        child_ = 0;
        return WIFEXITED(status) && WEXITSTATUS(status) == 0;
    }

private:
    static int work(Options& options, int tell) {
        try {
            Session session{options.plan.server, options.caller};
            auto slots = prepare(options.work, options.plan.shape, session, mounted(options),
                                 options.name + "-beside");
            options.plan.seconds = 1e6;
            options.plan.calls = 0;
            options.plan.on_measuring = [tell] {
                const auto told = write(tell, "!", 1);
                if (told != 1) must_stop = true;
            };
            return measure(options.plan, slots).errors == 0 ? 0 : 1;
        } catch (const std::exception& error) {
            std::fprintf(stderr, "load, beside: %s\n", error.what());
            return 1;
        }
    }

    pid_t child_ = 0;
};

/// Memory of the server at three times, in KiB.
struct Resident {
    std::uint64_t before = 0, connected = 0, after = 0;
};

void report(const Options& options, const Outcome& outcome, const Resident& resident) {
    const auto calls = static_cast<double>(std::max<std::uint64_t>(outcome.calls, 1));
    std::printf(
        R"({"work": "%s", "connections": %zu, "in_flight": %zu, "idle": %zu, "calls": %llu, )"
        R"("errors": %llu, "seconds": %.3f, "calls_per_s": %.1f, "mb_per_s": %.2f, )",
        options.work.c_str(), options.plan.shape.connections, options.plan.shape.in_flight,
        options.idle, static_cast<unsigned long long>(outcome.calls),
        static_cast<unsigned long long>(outcome.errors), outcome.seconds,
        static_cast<double>(outcome.calls) / outcome.seconds,
        static_cast<double>(outcome.bytes) / 1e6 / outcome.seconds);
    std::printf(R"("p50_us": %.2f, "p99_us": %.2f, "p999_us": %.2f, "max_us": %.2f, )",
                outcome.latency.percentile_us(0.5), outcome.latency.percentile_us(0.99),
                outcome.latency.percentile_us(0.999), outcome.latency.max_us());
    std::printf(R"("server_cpu_us": %.3f, "server_kernel_us": %.3f, "client_cpu_us": %.3f, )"
                R"("rss_kib": [%llu, %llu, %llu]})"
                "\n",
                outcome.server_cpu.in_all / calls, outcome.server_cpu.in_kernel / calls,
                outcome.client_cpu_us / calls, static_cast<unsigned long long>(resident.before),
                static_cast<unsigned long long>(resident.connected),
                static_cast<unsigned long long>(resident.after));
}

int measure_work(const Options& options) {
    const Plan& plan = options.plan;
    Resident resident{.before = resident_kib(plan.server_process)};
    std::vector<std::unique_ptr<Session>> idle;
    for (std::size_t i = 0; i < options.idle; ++i) {
        idle.push_back(std::make_unique<Session>(plan.server, options.caller));
        idle.back()->null();
    }
    resident.connected = resident_kib(plan.server_process);
    std::optional<Beside> beside;
    if (!options.beside.empty()) beside.emplace(options);
    std::optional<Pinned> pinned;
    if (options.cpu >= 0) pinned.emplace(plan.server_process, options.cpu);

    Session session{plan.server, options.caller};
    auto slots = prepare(options.work, plan.shape, session, mounted(options), options.name);
    Outcome outcome = measure(plan, slots);
    if (beside && !beside->end()) ++outcome.errors;
    resident.after = resident_kib(plan.server_process);
    report(options, outcome, resident);
    return outcome.errors == 0 && outcome.calls > 0 ? 0 : 1;
}

int measure_list(const Options& options) {
    std::optional<Pinned> pinned;
    if (options.cpu >= 0) pinned.emplace(options.plan.server_process, options.cpu);
    Session session{options.plan.server, options.caller};
    const Bytes directory = session.lookup(mounted(options), options.directory);
    const CpuTime cpu = cpu_time(options.plan.server_process);
    const Listing listing = list(session, directory);
    const CpuTime cpu_used = cpu_time(options.plan.server_process) - cpu;
    const auto entries = static_cast<double>(std::max<std::uint64_t>(listing.entries, 1));
    const bool complete = options.entries == 0 || listing.entries == options.entries;
    std::printf(
        R"({"work": "list", "calls": %llu, "entries": %llu, "errors": %d, "seconds": %.4f, )"
        R"("entries_per_s": %.0f, "server_cpu_us": %.3f, "server_kernel_us": %.3f})"
        "\n",
        static_cast<unsigned long long>(listing.calls),
        static_cast<unsigned long long>(listing.entries), complete ? 0 : 1, listing.seconds,
        static_cast<double>(listing.entries) / listing.seconds, cpu_used.in_all / entries,
        cpu_used.in_kernel / entries);
    return complete ? 0 : 1;
}

int measure_start(Options& options) {
    options.command.push_back(nullptr);
    const double ms = start_ms(options.command.data(), options.plan.server, mount_address(options),
                               options.exported, options.caller);
    std::printf(R"({"work": "start", "calls": 1, "errors": 0, "start_ms": %.2f})"
                "\n",
                ms);
    return 0;
}

void raise_descriptor_limit() {
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

int main(int count, char** arguments) {
    Options options = parse(count, arguments);
    std::signal(SIGTERM, [](int) { must_stop = true; });
    raise_descriptor_limit();
    try {
        if (options.work == "start") return measure_start(options);
        if (options.work == "list") return measure_list(options);
        return measure_work(options);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "load: %s: %s\n", options.work.c_str(), error.what());
        return 1;
    }
}
