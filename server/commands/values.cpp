#include "server/commands/values.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>

#include "nfs/exports/file.hpp"
#include "rpc/budget.hpp"
#include "server/commands/addresses.hpp"

namespace berth::server::commands {
namespace {

template <class Number>
std::optional<Number> number_of(std::string_view text) {
    Number number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size()) return {};
    return number;
}

template <class Number>
std::string take_number(Number& into, const std::string& text, Number least, Number most) {
    const auto number = number_of<Number>(text);
    if (!number || *number < least || *number > most)
        return "expected a number from " + std::to_string(least) + " to " + std::to_string(most);
    into = *number;
    return {};
}

std::string take_seconds(std::chrono::seconds& into, const std::string& text, unsigned most) {
    unsigned seconds = 0;
    auto problem = take_number(seconds, text, 0U, most);
    if (problem.empty()) into = std::chrono::seconds{seconds};
    return problem;
}

std::string take_flag(bool& into, const std::string& text, bool meant = true) {
    if (text != "true" && text != "false") return "expected true or false";
    into = (text == "true") == meant;
    return {};
}

template <class Value, std::size_t N>
std::string take_word(Value& into, const std::string& text,
                      const std::array<std::pair<std::string_view, Value>, N>& words) {
    const auto found = std::ranges::find(words, text, &std::pair<std::string_view, Value>::first);
    if (found != words.end()) {
        into = found->second;
        return {};
    }
    std::string expected = "expected ";
    for (std::size_t at = 0; at < N; ++at)
        expected += (at == 0 ? "" : at + 1 < N ? ", " : " or ") + std::string{words[at].first};
    return expected;
}

std::string take_range(exports::IdMap& into, const std::string& text) {
    return into.add(text);
}

/// Messages about the path name the line that it is in.
void remember_place(CommandLine& into, const std::string& path) {
    if (!into.source.starts_with("--") && into.source != "DIR")
        into.serve.places[path] = into.source;
}

bool has_control_characters(const std::string& text) {
    return std::ranges::any_of(
        text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

}  // namespace

std::string take_directory(CommandLine& into, const std::string& value) {
    if (value.empty()) return "expected a directory";
    if (value.find('\n') != std::string::npos)
        return "a path with a line break can't be exported: no client could ask for it";
    remember_place(into, value);
    into.serve.directories.push_back(value);
    return {};
}

std::string take_client(CommandLine& into, const std::string& value) {
    constexpr std::array<std::string_view, 5> for_everyone{"all", "any", "everybody", "everyone",
                                                           "world"};
    if (std::ranges::find(for_everyone, value) != for_everyone.end())
        return "everyone is written as '*'";
    if (value.starts_with('-')) return "expected a client, which does not begin with '-'";
    if (value.find_first_of(", ") != std::string::npos)
        return "expected one client; give --clients once for each";
    std::string problem;
    if (const auto client = exports::parse_client(value, problem))
        into.serve.clients.push_back(*client);
    return problem;
}

std::string take_exports(CommandLine& into, const std::string& value) {
    if (value.empty()) return "expected a file";
    remember_place(into, value);
    into.serve.exports_files.emplace_back(value);
    return {};
}

std::string take_memory(CommandLine& into, const std::string& value) {
    if (value.empty() || value.front() == '-' || value.find('/') != std::string::npos ||
        has_control_characters(value) || value == "." || value == "..")
        return "expected a name without '/' and control characters, which does not begin with '-' "
               "and is not '.' or '..'";
    into.serve.memory_names.push_back(value);
    return {};
}

std::string take_read_only(CommandLine& into, const std::string& value) {
    return take_flag(into.serve.exports.read_only, value);
}

std::string take_squash(CommandLine& into, const std::string& value) {
    using exports::Squash;
    constexpr std::array<std::pair<std::string_view, Squash>, 3> words{
        {{"none", Squash::none}, {"root", Squash::root}, {"all", Squash::all}}};
    return take_word(into.serve.exports.squash, value, words);
}

std::string take_anonymous(CommandLine& into, const std::string& value) {
    const std::string_view text = value;
    const auto colon = text.find(':');
    const auto uid = number_of<uid_t>(text.substr(0, colon));
    const auto gid = colon == std::string_view::npos ? std::optional<gid_t>{}
                                                     : number_of<gid_t>(text.substr(colon + 1));
    if (!uid || !gid) return "expected UID:GID, as 65534:65534";
    // The kernel takes the largest number for "no id".
    if (*uid == static_cast<uid_t>(-1) || *gid == static_cast<gid_t>(-1))
        return "expected ids of at most 4294967294";
    into.serve.exports.anonymous_uid = *uid;
    into.serve.exports.anonymous_gid = *gid;
    return {};
}

std::string take_user_map(CommandLine& into, const std::string& value) {
    return take_range(into.serve.exports.users, value);
}

std::string take_group_map(CommandLine& into, const std::string& value) {
    return take_range(into.serve.exports.groups, value);
}

std::string take_sync(CommandLine& into, const std::string& value) {
    return take_flag(into.serve.exports.sync, value);
}

std::string take_async(CommandLine& into, const std::string& value) {
    return take_flag(into.serve.exports.sync, value, false);
}

std::string take_listen(CommandLine& into, const std::string& value) {
    std::string problem;
    if (auto address = parse_listen_address(value, problem))
        into.serve.listen.push_back(*std::move(address));
    return problem;
}

std::string take_portmap(CommandLine& into, const std::string& value) {
    constexpr std::array<std::pair<std::string_view, PortmapMode>, 4> words{
        {{"auto", PortmapMode::automatic},
         {"embedded", PortmapMode::embedded},
         {"register", PortmapMode::registered},
         {"off", PortmapMode::off}}};
    return take_word(into.serve.portmap, value, words);
}

std::string take_manage_gids(CommandLine& into, const std::string& value) {
    return take_flag(into.serve.manages_groups, value);
}

std::string take_threads(CommandLine& into, const std::string& value) {
    return take_number(into.serve.threads, value, 1U, 256U);
}

std::string take_workers(CommandLine& into, const std::string& value) {
    return take_number(into.serve.workers, value, 1U, 1024U);
}

std::string take_memory_max(CommandLine& into, const std::string& value) {
    const auto unit =
        value.empty() ? std::string::npos : std::string_view{"KMG"}.find(value.back());
    const auto digits = unit == std::string::npos ? value : value.substr(0, value.size() - 1);
    const auto shift = unit == std::string::npos ? 0 : 10 * (unit + 1);
    const auto number = number_of<std::size_t>(digits);
    if (!number || *number > std::numeric_limits<std::size_t>::max() >> shift)
        return "expected a number of bytes, as 512M or 2G";
    if (*number << shift < rpc::Budget::bytes_min)
        return "that is too little; at least " + std::to_string(rpc::Budget::bytes_min >> 20) +
               "M are needed";
    into.serve.memory_max = *number << shift;
    return {};
}

std::string take_connections_max(CommandLine& into, const std::string& value) {
    std::size_t count = 0;
    auto problem = take_number<std::size_t>(count, value, 1, 1'000'000);
    if (problem.empty()) into.serve.connections_max = count;
    return problem;
}

std::string take_idle_max(CommandLine& into, const std::string& value) {
    return take_seconds(into.serve.idle_max, value, 86400);
}

std::string take_state(CommandLine& into, const std::string& value) {
    if (value.empty()) return "expected a directory";
    into.serve.state = value;
    return {};
}

std::string take_grace(CommandLine& into, const std::string& value) {
    return take_seconds(into.serve.grace, value, 3600);
}

std::string take_no_grace(CommandLine& into, const std::string& value) {
    bool has_none = false;
    auto problem = take_flag(has_none, value);
    if (has_none) into.serve.grace = std::chrono::seconds{0};
    return problem;
}

std::string take_fault(CommandLine& into, const std::string& value) {
    if (value.empty()) return "expected a rule";
    into.serve.faults.push_back({value, into.source});
    return {};
}

std::string take_fault_file(CommandLine& into, const std::string& value) {
    if (value.empty()) return "expected a file";
    remember_place(into, value);
    into.serve.fault_files.emplace_back(value);
    return {};
}

std::string take_config(CommandLine& into, const std::string& value) {
    if (value.empty()) return "expected a file";
    into.config = value;
    return {};
}

std::string take_log_level(CommandLine& into, const std::string& value) {
    constexpr std::array<std::pair<std::string_view, const char*>, 7> words{{{"trace", "trace"},
                                                                             {"debug", "debug"},
                                                                             {"info", "info"},
                                                                             {"warn", "warn"},
                                                                             {"warning", "warn"},
                                                                             {"error", "error"},
                                                                             {"off", "off"}}};
    const char* level = nullptr;
    auto problem = take_word(level, value, words);
    if (level != nullptr) into.serve.log_level = level;
    return problem;
}

std::string take_log_format(CommandLine& into, const std::string& value) {
    constexpr std::array<std::pair<std::string_view, LogFormat>, 2> words{
        {{"text", LogFormat::text}, {"json", LogFormat::json}}};
    return take_word(into.serve.log_format, value, words);
}

std::string take_file(CommandLine& into, const std::string& value) {
    if (value.empty()) return "expected a file";
    into.exports.files.emplace_back(value);
    return {};
}

std::string take_explained_client(CommandLine& into, const std::string& value) {
    into.exports.client = value;
    return value.empty() ? "expected an address or a host name" : "";
}

std::string take_explained_path(CommandLine& into, const std::string& value) {
    into.exports.path = value;
    return value.empty() ? "expected a path" : "";
}

std::string take_state_of_server(CommandLine& into, const std::string& value) {
    if (value.empty()) return "expected a directory";
    into.locks.state = into.fault.state = value;
    return {};
}

std::string take_rule(CommandLine& into, const std::string& value) {
    if (value.empty() || value.find('\n') != std::string::npos)
        return "expected a rule in one line";
    into.fault.text = value;
    return {};
}

std::string take_rule_name(CommandLine& into, const std::string& value) {
    if (value.empty() || value.find('\n') != std::string::npos)
        return "expected the name of a rule";
    into.fault.text = value;
    return {};
}

std::string take_imposed_grace(CommandLine& into, const std::string& value) {
    std::chrono::seconds seconds{0};
    auto problem = take_seconds(seconds, value, 3600);
    into.fault.text = std::to_string(seconds.count());
    return problem;
}

std::string take_released_client(CommandLine& into, const std::string& value) {
    if (value.empty() || value.find('\n') != std::string::npos)
        return "expected an address or a name in one line";
    into.locks.client = value;
    return {};
}

std::string take_topic(CommandLine& into, const std::string& value) {
    into.topic += (into.topic.empty() ? "" : " ") + value;
    return {};
}

}  // namespace berth::server::commands
