// berth: exports directories over NFSv3.
#include <cstdio>
#include <cstdlib>
#include <exception>

#include "server/application.hpp"
#include "server/exports_command.hpp"
#include "server/lock_report.hpp"
#include "server/options.hpp"
#include "server/signals.hpp"
#include "server/standard_streams.hpp"
#include "server/version.hpp"

namespace {

constexpr int exit_usage = 2;

int run(int argument_count, const char* const* arguments) {
    using berth::server::Command;
    berth::server::hold_signals();
    const auto parsed = berth::server::parse_command_line(argument_count, arguments);
    if (parsed.command != Command::serve) berth::server::release_signals();
    switch (parsed.command) {
    case Command::serve:
        return berth::server::serve(parsed.serve, [=] {
            return berth::server::parse_command_line(argument_count, arguments).serve;
        });
    case Command::check_exports: return berth::server::check_exports(parsed.exports);
    case Command::explain_exports: return berth::server::explain_exports(parsed.exports);
    case Command::locks: return berth::server::ask_about_locks(parsed.locks);
    case Command::version:
        std::printf("berth %.*s\n", static_cast<int>(berth::server::version.size()),
                    berth::server::version.data());
        return EXIT_SUCCESS;
    case Command::help: break;
    }
    std::fputs(parsed.help_text.c_str(), stdout);
    return EXIT_SUCCESS;
}

}  // namespace

int main(int argc, char** argv) {
    berth::server::open_standard_streams();
    try {
        return run(argc, argv);
    } catch (const berth::server::UsageError& error) {
        std::fprintf(stderr, "berth: %s\n", error.what());
        return exit_usage;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "berth: %s\n", error.what());
        return EXIT_FAILURE;
    }
}
