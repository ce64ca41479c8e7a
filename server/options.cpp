#include "server/options.hpp"

#include <charconv>
#include <limits>
#include <map>
#include <set>
#include <string_view>

#include <CLI/CLI.hpp>
#include <boost/filesystem/path.hpp>

#include "rpc/budget.hpp"
#include "server/config_file.hpp"

namespace berth::server {

namespace {

const std::map<std::string, PortmapMode> portmap_modes{{"auto", PortmapMode::automatic},
                                                       {"embedded", PortmapMode::embedded},
                                                       {"register", PortmapMode::registered},
                                                       {"off", PortmapMode::off}};
const std::map<std::string, exports::Squash> squashes{{"none", exports::Squash::none},
                                                      {"root", exports::Squash::root},
                                                      {"all", exports::Squash::all}};
const std::map<std::string, LogFormat> log_formats{{"text", LogFormat::text},
                                                   {"json", LogFormat::json}};
const std::vector<std::string> log_levels{"trace", "debug", "info", "warn", "error", "off"};

template <class Number>
std::optional<Number> parse_number(std::string_view text) {
    Number number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size()) return {};
    return number;
}

rpc::Address parse_address(const std::string& text, const std::string& all) {
    const auto address = rpc::Address::parse(text);
    if (!address)
        throw UsageError("--listen " + all + ": '" + text +
                         "' is no IP address (expected ADDR:PORT, as 0.0.0.0:2049 or [::1]:2049)");
    return *address;
}

// Options as text, from the command line and the file; converted once both have been read.
struct Texts {
    std::string listen;
    std::string squash;
    std::string anonymous;
    std::string portmap;
    std::string log_format;
    std::string config;
    std::string state;
    std::string memory_max;
    std::vector<std::string> exports;
    std::vector<std::string> user_maps;
    std::vector<std::string> group_maps;
};

void read_anonymous(const std::string& text, exports::Options& options) {
    const auto colon = text.find(':');
    const auto uid = parse_number<uid_t>(text.substr(0, colon));
    const auto gid = colon == std::string::npos ? std::optional<gid_t>{}
                                                : parse_number<gid_t>(text.substr(colon + 1));
    if (!uid || !gid) throw UsageError("--anon " + text + ": expected UID:GID, as 65534:65534");
    options.anonymous_uid = *uid;
    options.anonymous_gid = *gid;
}

void read_map(const char* option, const std::vector<std::string>& ranges, exports::IdMap& map) {
    for (const auto& range : ranges) {
        const auto problem = map.add(range);
        if (problem.empty()) continue;
        throw UsageError(std::string{option}.append(" ").append(range).append(": ") + problem);
    }
}

void convert(const Texts& texts, ServeOptions& options) {
    if (!texts.listen.empty()) options.listen = parse_listen_address(texts.listen);
    if (!texts.squash.empty()) options.exports.squash = squashes.at(texts.squash);
    if (!texts.anonymous.empty()) read_anonymous(texts.anonymous, options.exports);
    if (!texts.portmap.empty()) options.portmap = portmap_modes.at(texts.portmap);
    if (!texts.log_format.empty()) options.log_format = log_formats.at(texts.log_format);
    if (!texts.state.empty()) options.state = texts.state;
    if (!texts.memory_max.empty())
        options.memory_max = parse_size("--memory-max", texts.memory_max);
    read_map("--map-uid", texts.user_maps, options.exports.users);
    read_map("--map-gid", texts.group_maps, options.exports.groups);
    options.exports_files.assign(texts.exports.begin(), texts.exports.end());
}

template <class Map>
std::vector<std::string> names_of(const Map& map) {
    std::vector<std::string> names;
    names.reserve(map.size());
    for (const auto& [name, value] : map) names.push_back(name);
    return names;
}

void describe_serve(CLI::App& serve, ServeOptions& options, Texts& texts, bool& is_async) {
    serve.add_option("DIR", options.directories, "directories to export, each under its own path");
    serve.add_option("--memory", options.memory_names, "export an empty tree in RAM as /NAME")
        ->type_name("NAME");
    serve
        .add_option("--exports", texts.exports,
                    "a file of exports(5) [/etc/exports when nothing else is exported]")
        ->type_name("FILE");
    serve
        .add_option("--listen", texts.listen, "where to listen, TCP and UDP [2049, IPv4 and IPv6]")
        ->type_name("ADDR:PORT");
    serve.add_flag("--read-only", options.exports.read_only, "refuse every change");
    serve.add_option("--squash", texts.squash, "whose identity is not believed [root]")
        ->type_name("none|root|all")
        ->check(CLI::IsMember(names_of(squashes)));
    serve.add_option("--anon", texts.anonymous, "who squashed callers become [65534:65534]")
        ->type_name("UID:GID");
    serve.add_option("--map-uid", texts.user_maps, "whom clients' user ids stand for")
        ->type_name("FIRST-LAST:SERVER");
    serve.add_option("--map-gid", texts.group_maps, "the same for group ids")
        ->type_name("FIRST-LAST:SERVER");
    auto* sync = serve.add_flag(
        "--sync", [&](std::int64_t) { options.exports.sync = true; },
        "created, renamed and removed names are on disk before the reply (the default)");
    serve.add_flag("--async", is_async, "they follow later: faster, and lost in a crash")
        ->excludes(sync);
    serve.add_option("--portmap", texts.portmap, "the portmapper on port 111 [auto]")
        ->type_name("auto|embedded|register|off")
        ->check(CLI::IsMember(names_of(portmap_modes)));
    serve.add_option("--threads", options.threads, "network threads [one per core]")
        ->type_name("N")
        ->check(CLI::Range(1, 256));
    serve.add_option("--workers", options.workers, "threads for calls that may block [96]")
        ->type_name("N")
        ->check(CLI::Range(1, 1024));
    serve
        .add_option("--memory-max", texts.memory_max,
                    "memory that calls may hold\n[an eighth of the machine's, at most 512M]")
        ->type_name("SIZE");
    serve
        .add_option_function<std::size_t>(
            "--connections-max", [&](std::size_t count) { options.connections_max = count; },
            "connections at a time [by the limit on open files]")
        ->type_name("N")
        ->check(CLI::Range(1, 1'000'000));
    serve
        .add_option_function<unsigned>(
            "--idle-max",
            [&](unsigned seconds) { options.idle_max = std::chrono::seconds{seconds}; },
            "when a connection without calls ends, 0: never [360]")
        ->type_name("SECONDS")
        ->check(CLI::Range(0, 86400));
    serve.add_flag("--manage-gids", options.manages_groups,
                   "callers have the groups that their user has on this server");
    serve
        .add_option("--state", texts.state,
                    "where to keep what must survive a restart\n[/var/lib/berth, or "
                    "$XDG_STATE_HOME/berth when not root]")
        ->type_name("DIR");
    auto* grace =
        serve
            .add_option_function<unsigned>(
                "--grace", [&](unsigned seconds) { options.grace = std::chrono::seconds{seconds}; },
                "how long clients may reclaim locks after a restart [45]")
            ->type_name("SECONDS")
            ->check(CLI::Range(0, 3600));
    serve
        .add_flag(
            "--no-grace", [&](std::int64_t) { options.grace = std::chrono::seconds{0}; },
            "no such time: for tests")
        ->excludes(grace);
    serve.add_option("--config", texts.config, "a TOML file with these options")->type_name("FILE");
    serve.add_option("--log-level", options.log_level, "[info]")
        ->type_name("trace|debug|info|warn|error|off")
        ->check(CLI::IsMember(log_levels));
    serve.add_option("--log-format", texts.log_format, "[text]")
        ->type_name("text|json")
        ->check(CLI::IsMember(names_of(log_formats)));
}

void describe_locks(CLI::App& locks, LocksOptions& options) {
    locks
        .add_option_function<std::string>(
            "--state",
            [&](const std::string& directory) {
                options.state = boost::filesystem::path{directory};
            },
            "the server's state directory\n[/var/lib/berth, or $XDG_STATE_HOME/berth when not "
            "root]")
        ->type_name("DIR");
    auto* release =
        locks.add_subcommand("release", "free what a client that is gone for good has locked");
    release->fallthrough();
    release
        ->add_option_function<std::string>(
            "CLIENT", [&](const std::string& client) { options.request = "release " + client; },
            "its address, or the name that 'berth locks' shows")
        ->required();
}

/// `berth exports check` and `berth exports explain`.
struct ExportsCommands {
    CLI::App* check = nullptr;
    CLI::App* explain = nullptr;
};

ExportsCommands describe_exports(CLI::App& exports, ExportsOptions& options,
                                 std::vector<std::string>& files) {
    exports.require_subcommand(1);
    auto* check = exports.add_subcommand("check", "find mistakes, and print what holds for whom");
    check->add_option("FILE", files, "[/etc/exports]")->expected(-1);
    auto* explain =
        exports.add_subcommand("explain", "say what a client may do with a path, and why");
    explain->add_option("CLIENT", options.client, "an address or a host name")->required();
    explain->add_option("PATH", options.path, "what it mounts")->required();
    explain->add_option("--exports", files, "[/etc/exports]")->type_name("FILE");
    return {check, explain};
}

/// Options for DIR and --memory must not be ignored silently if neither is given.
void refuse_idle_options(const CLI::App& serve, const ServeOptions& options) {
    if (!options.directories.empty() || !options.memory_names.empty()) return;
    for (const auto* name :
         {"--read-only", "--squash", "--anon", "--map-uid", "--map-gid", "--sync", "--async"})
        if (serve.count(name) > 0)
            throw UsageError(std::string{name} +
                             " is about DIR and --memory, and there are none; an exports file says "
                             "so for each client");
}

/// The arguments without the program's name in reverse order, as CLI11 expects them.
std::vector<std::string> reversed(int count, const char* const* arguments) {
    std::vector<std::string> list;
    for (int i = count - 1; i > 0; --i) list.emplace_back(arguments[i]);
    return list;
}

/// The names of options given on the command line; `directories` for its operands.
std::set<std::string> given_options(const CLI::App& serve) {
    std::set<std::string> given;
    for (const auto* option : serve.get_options())
        if (option->count() > 0)
            given.insert(option->get_lnames().empty() ? "directories" : option->get_lnames()[0]);
    // Each of two opposite options counts as giving the other.
    for (const auto& [one, other] : {std::pair{"sync", "async"}, std::pair{"grace", "no-grace"}})
        if (given.contains(one) || given.contains(other)) given.insert({one, other});
    return given;
}

Shape shape_of(const CLI::Option& option) {
    if (option.get_expected_max() == 0) return Shape::flag;
    return option.get_expected_max() > 1 ? Shape::many : Shape::one;
}

/// The arguments, with those that the file adds.
std::vector<std::string> with_file(const CLI::App& serve, const std::string& path, Reading reading,
                                   std::vector<std::string> last_first) {
    const auto given = given_options(serve);
    const auto judge = [&](const std::string& name) -> std::optional<Key> {
        if (name == "config" || name == "help") return {};
        const auto* option = serve.get_option_no_throw(name == "directories" ? "DIR" : "--" + name);
        if (option == nullptr) return {};
        return Key{shape_of(*option), given.contains(name)};
    };
    const auto from_file = arguments_of_config_file(path, reading, judge);
    last_first.insert(last_first.begin(), from_file.rbegin(), from_file.rend());
    return last_first;
}

}  // namespace

std::size_t parse_size(const std::string& option, const std::string& text) {
    const auto unit = text.empty() ? std::string::npos : std::string_view{"KMG"}.find(text.back());
    const auto digits = unit == std::string::npos ? text : text.substr(0, text.size() - 1);
    const auto shift = unit == std::string::npos ? 0 : 10 * (unit + 1);
    const auto number = parse_number<std::size_t>(digits);
    if (!number || *number > std::numeric_limits<std::size_t>::max() >> shift)
        throw UsageError(option + " " + text + ": expected a number of bytes, as 512M or 2G");
    if (*number << shift < rpc::Budget::bytes_min)
        throw UsageError(option + " " + text + ": that is too little; at least " +
                         std::to_string(rpc::Budget::bytes_min >> 20) + "M are needed");
    return *number << shift;
}

ListenAddress parse_listen_address(const std::string& text) {
    ListenAddress listen;
    auto host = text;
    const auto colon = text.rfind(':');
    const bool bare_v6 =
        colon != std::string::npos && text.find(':') != colon && text.front() != '[';
    if (colon != std::string::npos && !bare_v6 && text.back() != ']') {
        const auto port = parse_number<std::uint16_t>(text.substr(colon + 1));
        if (!port)
            throw UsageError("--listen " + text + ": '" + text.substr(colon + 1) +
                             "' is no port (expected 0 to 65535)");
        listen.port = *port;
        host = text.substr(0, colon);
    } else if (const auto port = parse_number<std::uint16_t>(text)) {
        listen.port = *port;
        return listen;
    }
    if (host.empty() || host == "*") return listen;
    if (host == "localhost") {
        listen.addresses = {*rpc::Address::parse("127.0.0.1"), *rpc::Address::parse("::1")};
        return listen;
    }
    if (host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
    listen.addresses = {parse_address(host, text)};
    return listen;
}

CommandLine parse_command_line(int argument_count, const char* const* arguments, Reading reading) {
    CommandLine parsed;
    Texts texts;
    bool is_async = false;
    CLI::App app{"berth exports directories over NFSv3."};
    app.set_help_flag("-h,--help", "");
    app.require_subcommand(1);
    app.option_defaults()->take_last();
    auto* serve = app.add_subcommand("serve", "export directories");
    auto* exports = app.add_subcommand("exports", "look at exports files");
    auto* locks = app.add_subcommand("locks", "show who holds and waits for locks");
    describe_locks(*locks, parsed.locks);
    auto* version = app.add_subcommand("version", "say which version this is");
    auto* help = app.add_subcommand("help", "say this");
    app.get_formatter()->column_width(32);
    serve->option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    describe_serve(*serve, parsed.serve, texts, is_async);
    const auto commands = describe_exports(*exports, parsed.exports, texts.exports);
    for (const auto* many : {"DIR", "--memory", "--exports", "--map-uid", "--map-gid"})
        serve->get_option(many)->multi_option_policy(CLI::MultiOptionPolicy::Throw)->expected(-1);
    for (const auto* many : {"--memory", "--exports", "--map-uid", "--map-gid"})
        serve->get_option(many)->expected(1, -1)->allow_extra_args(false);
    parsed.help_text = app.help() + "\n" + serve->help("berth") + "\n" +
                       commands.check->help("berth exports") + "\n" +
                       commands.explain->help("berth exports") + "\n" + locks->help("berth");

    try {
        auto last_first = reversed(argument_count, arguments);
        app.parse(std::vector{last_first});
        if (!texts.config.empty()) {
            auto all = with_file(*serve, texts.config, reading, std::move(last_first));
            app.clear();
            parsed.serve = {};
            texts = {};
            is_async = false;
            app.parse(std::move(all));
        }
    } catch (const CLI::CallForHelp&) {
        return parsed;
    } catch (const CLI::ParseError& error) {
        throw UsageError(error.what());
    }
    if (help->parsed()) return parsed;
    if (locks->parsed()) {
        parsed.command = Command::locks;
        return parsed;
    }
    parsed.command = version->parsed()            ? Command::version
                     : commands.check->parsed()   ? Command::check_exports
                     : commands.explain->parsed() ? Command::explain_exports
                                                  : Command::serve;
    parsed.exports.files.assign(texts.exports.begin(), texts.exports.end());
    if (parsed.command != Command::serve) return parsed;
    parsed.serve.reading = reading;
    convert(texts, parsed.serve);
    if (is_async) parsed.serve.exports.sync = false;
    refuse_idle_options(*serve, parsed.serve);
    return parsed;
}

}  // namespace berth::server
