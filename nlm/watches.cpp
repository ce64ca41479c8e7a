#include "nlm/watches.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <utility>

#include <unistd.h>

#include <spdlog/spdlog.h>

#include "nlm/nsm_protocol.hpp"
#include "nlm/state/kept_file.hpp"

namespace berth::nlm {
namespace {

/// A program that does not answer for so long has lost its locks.
constexpr std::chrono::minutes watcher_patience{15};

std::string_view text_of(const std::array<std::byte, 16>& cookie) {
    return {reinterpret_cast<const char*>(cookie.data()), cookie.size()};
}

bool is_of(const Watch& watch, std::string_view host, const WatcherId& watcher) {
    return watch.host == host && watch.watcher == watcher;
}

std::string line_of(const Watch& watch) {
    std::ostringstream line;
    const auto& [name, program, version, procedure] = watch.watcher;
    line << "watch " << to_hex(watch.host) << ' ' << to_hex(name) << ' ' << program << ' '
         << version << ' ' << procedure << ' ' << to_hex(text_of(watch.cookie)) << ' '
         << watch.from.text() << ' ' << (watch.transport == rpc::Transport::tcp ? "tcp" : "udp")
         << ' ' << (watch.from_reserved_port ? "reserved" : "any");
    for (const auto& address : watch.addresses) line << ' ' << address.text();
    line << '\n';
    return line.str();
}

/// The words after "watch".
std::optional<Watch> parse(std::istringstream& words) {
    Watch watch;
    std::string host;
    std::string name;
    std::string cookie;
    std::string from;
    std::string transport;
    std::string port;
    auto& watcher = watch.watcher;
    words >> host >> name >> watcher.program >> watcher.version >> watcher.procedure >> cookie >>
        from >> transport >> port;
    if (!words) return {};
    const auto parsed_host = from_hex(host);
    const auto parsed_name = from_hex(name);
    const auto parsed_cookie = from_hex(cookie);
    const auto parsed_from = rpc::Address::parse(from);
    if (!parsed_host || !parsed_name || !parsed_cookie || !parsed_from) return {};
    if (parsed_cookie->size() != watch.cookie.size() || !parsed_from->is_loopback()) return {};
    watch.host = *parsed_host;
    watcher.name = *parsed_name;
    std::ranges::copy(std::as_bytes(std::span{*parsed_cookie}), watch.cookie.begin());
    watch.from = *parsed_from;
    watch.transport = transport == "tcp" ? rpc::Transport::tcp : rpc::Transport::udp;
    watch.from_reserved_port = port == "reserved";
    for (std::string word; words >> word;)
        if (const auto address = rpc::Address::parse(word)) watch.addresses.push_back(*address);
    return watch;
}

}  // namespace

Watches::Watches(Options options, Callbacks& callbacks)
    : options_(std::move(options)),
      callbacks_(callbacks) {
    if (!options_.file) return;
    read();
    keeper_.emplace(vfs::FileKeeper::Options{
        .file = *options_.file,
        .contents = [this] { return text(); },
        .tell = [this](const std::error_code& failure) { tell_of_file(failure); }});
}

void Watches::read() {
    std::ifstream in{*options_.file};
    std::string line;
    std::string boot;
    while (std::getline(in, line)) {
        std::istringstream words{line};
        std::string key;
        words >> key;
        if (key == "boot") {
            words >> boot;
        } else if (auto watch = key == "watch" ? parse(words) : std::nullopt) {
            if (watches_.size() < watches_max) watches_.push_back(std::move(*watch));
        } else {
            spdlog::warn("{}: nothing to watch: '{}'", options_.file->string(), line);
        }
    }
    if (boot != options_.boot) lost_.swap(watches_);
}

std::string Watches::text() const {
    const std::lock_guard guard{lock_};
    std::string text = "boot " + options_.boot + "\n";
    for (const auto& watch : watches_) text += line_of(watch);
    return text;
}

void Watches::tell_of_file(const std::error_code& failure) const {
    if (!failure) {
        spdlog::info("locks: {} can be written again", options_.file->string());
        return;
    }
    spdlog::error("locks: {} can't be written ({}): other lock managers of this machine can't have "
                  "hosts watched, as they would not hear of them after a restart; make room there, "
                  "or let uid {} write it, or start berth with another directory after --state",
                  options_.file->string(), failure.message(), ::geteuid());
}

vfs::FileKeeper::Change Watches::note_change() {
    return keeper_ ? keeper_->note_change() : 0;
}

bool Watches::is_written(vfs::FileKeeper::Change change) {
    return !keeper_ || !keeper_->wait_for(change);
}

bool Watches::add(Watch watch) {
    if (const auto address = rpc::Address::parse(watch.host))
        watch.addresses = {*address};
    else if (options_.resolve)
        watch.addresses = options_.resolve(watch.host);
    if (watch.addresses.empty()) return false;
    const auto host = watch.host;
    const auto watcher = watch.watcher;
    vfs::FileKeeper::Change change = 0;
    {
        const std::lock_guard guard{lock_};
        const auto known = std::ranges::find_if(
            watches_, [&](const Watch& other) { return is_of(other, host, watcher); });
        if (known != watches_.end()) {
            *known = std::move(watch);
        } else if (watches_.size() < watches_max) {
            watches_.push_back(std::move(watch));
        } else {
            if (!std::exchange(is_full_told_, true))
                spdlog::warn("locks: too many hosts are watched for other lock managers of this "
                             "machine; more are refused");
            return false;
        }
        change = note_change();
    }
    if (is_written(change)) return true;
    remove(host, watcher);
    return false;
}

void Watches::remove(std::string_view host, const WatcherId& watcher) {
    const std::lock_guard guard{lock_};
    if (std::erase_if(watches_, [&](const Watch& watch) { return is_of(watch, host, watcher); }))
        note_change();
}

void Watches::remove_all(const WatcherId& watcher) {
    const std::lock_guard guard{lock_};
    if (std::erase_if(watches_, [&](const Watch& watch) { return watch.watcher == watcher; }))
        note_change();
}

bool Watches::has(const Watch& watch) const {
    const std::lock_guard guard{lock_};
    return std::ranges::any_of(watches_, [&](const Watch& other) {
        return is_of(other, watch.host, watch.watcher) && other.cookie == watch.cookie;
    });
}

void Watches::tell(const Watch& watch, std::int32_t state) {
    const auto& watcher = watch.watcher;
    callbacks_.post({
        .path = {.client = watch.from,
                 .local = watch.from,
                 .transport = watch.transport,
                 .version = watcher.version,
                 .from_reserved_port = watch.from_reserved_port},
        .program = {.number = watcher.program, .version = watcher.version, .name = "watcher"},
        .attempt =
            [watch, state](rpc::Client& client) {
                const nsm::HostStatus status{std::string_view{watch.host}, state, watch.cookie};
                return client.tell(watch.watcher.procedure, status).has_value();
            },
        .is_wanted = [this, watch] { return has(watch); },
        .patience = watcher_patience,
        .any_transport = true,
    });
}

void Watches::restarted(const rpc::Address& from, std::int32_t state) {
    std::vector<Watch> meant;
    {
        const std::lock_guard guard{lock_};
        for (auto& watch : watches_) {
            if (std::ranges::find(watch.addresses, from) == watch.addresses.end()) continue;
            if (std::exchange(watch.told, state) != state) meant.push_back(watch);
        }
    }
    for (const auto& watch : meant) {
        spdlog::info("locks: {} has restarted; program {} of this machine is told", watch.host,
                     watch.watcher.program);
        tell(watch, state);
    }
}

void Watches::end(std::vector<Watch>& watches, const std::function<void(const Watch&)>& owe) {
    const std::lock_guard guard{lock_};
    if (watches.empty()) return;
    std::ranges::for_each(watches, owe);
    watches.clear();
    note_change();
}

std::size_t Watches::size() const {
    const std::lock_guard guard{lock_};
    return watches_.size();
}

}  // namespace berth::nlm
