#include "server/fault_report.hpp"

#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <stdexcept>
#include <utility>

#include <spdlog/fmt/fmt.h>

#include "server/admin_socket.hpp"
#include "server/faults/file.hpp"
#include "server/faults/parser.hpp"
#include "server/input_file.hpp"
#include "server/printable.hpp"
#include "server/state_directory.hpp"

namespace berth::server {
namespace {

constexpr std::string_view about_faults = "fault ";
constexpr int exit_usage = 2;

std::string answer(int status, std::string_view text) {
    return fmt::format("{} {}", status, printable(text)) + "\n";
}

std::string listed(const faults::Faults& faults) {
    std::string text = std::to_string(EXIT_SUCCESS) + " ";
    const auto rules = faults.rules();
    for (const auto& rule : rules) {
        const auto hits = rule->hits();
        const bool holds = rule->gate() && !rule->gate()->is_open();
        text +=
            printable(fmt::format("{}: {} hit{}{}: {}", rule->name(), hits, hits == 1 ? "" : "s",
                                  holds ? ", holds them" : "", rule->text())) +
            "\n";
    }
    return rules.empty() ? answer(EXIT_SUCCESS, "no faults") : text;
}

std::string added(faults::Faults& faults, const std::string& rule) {
    try {
        return answer(EXIT_SUCCESS, faults.add(rule, "fault add"));
    } catch (const UsageError& error) {
        return answer(exit_usage, error.what());
    }
}

std::string grace_imposed(nlm::Services& locks, std::string_view text) {
    unsigned seconds = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (error != std::errc{} || end != text.data() + text.size())
        return answer(exit_usage, "not understood");
    locks.begin_grace(std::chrono::seconds{seconds});
    return answer(EXIT_SUCCESS, seconds == 0
                                    ? std::string{"no grace period any more"}
                                    : fmt::format("a grace period of {} s begins", seconds));
}

std::string request_of(Command command) {
    switch (command) {
    case Command::add_fault: return "add";
    case Command::list_faults: return "list";
    case Command::remove_fault: return "remove";
    case Command::clear_faults: return "clear";
    case Command::release_fault: return "release";
    case Command::crash_locks: return "crash-locks";
    case Command::impose_grace: return "grace";
    default: throw std::logic_error{"no command about faults"};
    }
}

std::vector<std::vector<faults::Word>> words_in_files(const ServeOptions& options) {
    std::vector<std::vector<faults::Word>> rules;
    for (const auto& file : options.fault_files) {
        try {
            auto more = faults::words_in_file(file, options.reading);
            rules.insert(rules.end(), std::make_move_iterator(more.begin()),
                         std::make_move_iterator(more.end()));
        } catch (const UnreadFile& error) {
            throw UsageError(with_place(options.places, name_of(file)) + ": " + error.why());
        }
    }
    return rules;
}

}  // namespace

std::shared_ptr<faults::Faults> faults_of(const ServeOptions& options, rpc::Dispatcher& dispatcher,
                                          const faults::Paths& paths, nlm::Services& locks) {
    auto made = std::make_shared<faults::Faults>(dispatcher, paths);
    for (const auto& words : words_in_files(options)) made->add(words);
    for (const auto& rule : options.faults) made->add(rule.text, rule.source);
    locks.decide_grants_by([made](const nlm::Grant& grant) { return made->fate_of(grant); });
    return made;
}

void check_faults(const ServeOptions& options, const rpc::Dispatcher& dispatcher) {
    const auto check = [&](const std::vector<faults::Word>& words) {
        static_cast<void>(faults::parse_rule(words, dispatcher.programs()));
    };
    for (const auto& words : words_in_files(options)) check(words);
    for (const auto& rule : options.faults) check(faults::words_of(rule.text, rule.source));
}

bool is_about_faults(std::string_view request) {
    return request.starts_with(about_faults);
}

std::string answer_about_faults(faults::Faults& faults, nlm::Services& locks,
                                std::string_view request) {
    request.remove_prefix(about_faults.size());
    const auto command = request.substr(0, request.find(' '));
    const auto text = command.size() < request.size() ? request.substr(command.size() + 1) : "";
    if (command == "crash-locks") {
        locks.crash();
        return answer(EXIT_SUCCESS, "all locks are lost, and clients are told");
    }
    if (command == "grace") return grace_imposed(locks, text);
    if (command == "add") return added(faults, std::string{text});
    if (command == "list") return listed(faults);
    if (command == "clear") return answer(EXIT_SUCCESS, fmt::format("{} removed", faults.clear()));
    if (command == "remove")
        return faults.remove(text)
                   ? answer(EXIT_SUCCESS, fmt::format("{} removed", text))
                   : answer(EXIT_FAILURE, fmt::format("no rule is called {}", text));
    if (command == "release")
        return faults.release(text)
                   ? answer(EXIT_SUCCESS, fmt::format("{} released", text))
                   : answer(EXIT_FAILURE, fmt::format("no rule called {} holds calls", text));
    return answer(exit_usage, "not understood");
}

int ask_about_faults(Command command, const FaultOptions& options) {
    auto request = std::string{about_faults} + request_of(command);
    if (!options.text.empty()) request += " " + options.text;
    const auto answer =
        ask_server(StateDirectory::place(options.state) / admin_socket_name, request);
    const auto blank = answer.find(' ');
    if (blank != 1) throw std::runtime_error("this server does not know faults: " + answer);
    const int status = answer.front() - '0';
    const auto text = answer.substr(blank + 1);
    if (status == exit_usage) throw UsageError(text.substr(0, text.find('\n')));
    std::fwrite(text.data(), 1, text.size(), stdout);
    return status;
}

}  // namespace berth::server
