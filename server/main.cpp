// berth: exports directories over NFSv3.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <new>
#include <stdexcept>
#include <string>

#include <unistd.h>

#include "server/application.hpp"
#include "server/exports_command.hpp"
#include "server/fault_report.hpp"
#include "server/lock_report.hpp"
#include "server/log.hpp"
#include "server/options.hpp"
#include "server/printable.hpp"
#include "server/signals.hpp"
#include "server/standard_streams.hpp"
#include "server/version.hpp"

namespace {

constexpr int exit_usage = 2;

int answer(const berth::server::CommandLine& parsed) {
    using berth::server::Command;
    switch (parsed.command) {
    case Command::check_exports: return berth::server::check_exports(parsed.exports);
    case Command::explain_exports: return berth::server::explain_exports(parsed.exports);
    case Command::locks:
    case Command::release_locks: return berth::server::ask_about_locks(parsed.locks);
    case Command::add_fault:
    case Command::list_faults:
    case Command::remove_fault:
    case Command::clear_faults:
    case Command::release_fault:
    case Command::crash_locks:
    case Command::impose_grace:
        return berth::server::ask_about_faults(parsed.command, parsed.fault);
    case Command::version:
        std::printf("berth %.*s\n", static_cast<int>(berth::server::version.size()),
                    berth::server::version.data());
        return EXIT_SUCCESS;
    case Command::serve:
    case Command::help: break;
    }
    std::fputs(berth::server::help_about(parsed.topic).c_str(), stdout);
    return EXIT_SUCCESS;
}

int run(int argument_count, const char* const* arguments, bool has_output) {
    using berth::server::Reading;
    berth::server::hold_signals();
    const auto parsed = berth::server::parse_command_line(argument_count, arguments);
    if (parsed.command == berth::server::Command::serve)
        return berth::server::serve(parsed.serve, [=] {
            return berth::server::parse_command_line(argument_count, arguments, Reading::again)
                .serve;
        });
    if (!has_output) throw std::runtime_error{"standard output is closed"};
    berth::server::release_signals();
    const berth::server::Log log{{.level = "warn", .queue = {}, .repeated = {}}};
    const int status = answer(parsed);
    berth::server::finish_output();
    return status;
}

int fail(const std::exception& error, int status) {
    // Another program may wait for this process to end without reading its output.
    constexpr std::chrono::seconds patience_with_reader{1};
    const auto line = "berth: " + berth::server::printable(error.what()) + "\n";
    static_cast<void>(berth::server::write_within(STDERR_FILENO, line, patience_with_reader));
    return status;
}

}  // namespace

int main(int argc, char** argv) {
    const bool has_output = berth::server::open_standard_streams();
    try {
        return run(argc, argv, has_output);
    } catch (const berth::server::UsageError& error) {
        return fail(error, exit_usage);
    } catch (const std::bad_alloc&) {
        return fail(std::runtime_error{"out of memory: allow it more (ulimit -v, MemoryMax, "
                                       "memory.max)"},
                    EXIT_FAILURE);
    } catch (const std::exception& error) {
        return fail(error, EXIT_FAILURE);
    }
}
