#include "nlm/watches.hpp"

#include <algorithm>
#include <span>
#include <sstream>
#include <tuple>
#include <utility>

#include <unistd.h>

#include <spdlog/spdlog.h>

#include "nlm/nsm_protocol.hpp"
#include "nlm/state/words.hpp"
#include "rpc/peer_log.hpp"
#include "rpc/text/quoted.hpp"

namespace berth::nlm {
namespace {

/// A program that does not answer for this long has lost its locks.
constexpr std::chrono::minutes watcher_patience{15};

std::string_view text_of(const std::array<std::byte, 16>& cookie) {
    return {reinterpret_cast<const char*>(cookie.data()), cookie.size()};
}

bool is_of(const Watch& watch, std::string_view host, const WatcherId& watcher) {
    return watch.host == host && watch.watcher == watcher;
}

bool may_end(const Watch& watch, bool from_reserved_port) {
    return from_reserved_port || !watch.from_reserved_port;
}

std::string key_of(const Watch& watch) {
    const auto& [name, program, version, procedure] = watch.watcher;
    std::ostringstream key;
    key << "watch " << to_hex(watch.host) << ' ' << to_hex(name) << ' ' << program << ' ' << version
        << ' ' << procedure;
    return key.str();
}

/// Includes the boot in which the watcher registered: after the next boot it has lost its locks.
std::string value_of(const Watch& watch, const std::string& boot) {
    std::ostringstream value;
    value << to_hex(text_of(watch.cookie)) << ' ' << watch.from.text() << ' '
          << (watch.transport == rpc::Transport::tcp ? "tcp" : "udp") << ' '
          << (watch.from_reserved_port ? "reserved" : "any");
    for (const auto& address : watch.addresses) value << ' ' << address.text();
    value << " boot " << boot;
    return value.str();
}

struct Kept {
    Watch watch;
    std::string boot;
};

/// Parses the words after "watch".
std::optional<Kept> parse(std::istringstream& words) {
    Kept kept;
    auto& watch = kept.watch;
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
    for (std::string word; words >> word && word != "boot";)
        if (const auto address = rpc::Address::parse(word)) watch.addresses.push_back(*address);
    words >> kept.boot;
    return kept;
}

std::optional<Kept> parse(const std::string& text) {
    std::istringstream words{text};
    std::string kind;
    words >> kind;
    return kind == "watch" ? parse(words) : std::nullopt;
}

/// A line "boot BOOT" and then lines "watch ...", as parse() reads them.
std::optional<state::Store::Entries> entries_of_watches(const std::string& text) {
    if (!text.starts_with("boot ")) return {};
    state::Store::Entries entries;
    std::istringstream in{text};
    std::string line;
    std::string boot;
    in >> boot >> boot;
    std::getline(in, line);
    while (std::getline(in, line)) {
        if (const auto kept = parse(line))
            entries.push_back({key_of(kept->watch), value_of(kept->watch, boot)});
        else
            spdlog::warn("locks: malformed line in the list of watched hosts skipped: "
                         "{}",
                         text::Quoted{line});
    }
    return entries;
}

void tell_of_file(const state::Store::News& news) {
    using What = state::Store::News::What;
    switch (news.what) {
    case What::fails:
        spdlog::error("locks: {} can't be written ({}): other lock managers on this machine "
                      "can't register hosts to "
                      "watch, because that would not survive a restart; make room "
                      "there, or let uid {} write it, or start berth with another "
                      "directory (--state)",
                      news.file, news.reason, ::geteuid());
        return;
    case What::works: spdlog::info("locks: {} can be written again", news.file); return;
    case What::cut:
        spdlog::info("locks: the last record of {} is incomplete and has been "
                     "removed",
                     news.file);
        return;
    case What::damaged: break;
    }
    spdlog::error(
        "locks: {} is damaged ({}): other lock managers on this machine may not be told of hosts "
        "that restart; restart them. The damaged file is {}",
        news.file, news.reason,
        news.aside.empty() ? "moved aside when a new one is written"
                           : "kept beside it as " + news.aside);
}

}  // namespace

Watches::Watches(state::Store* store, Options options, Callbacks& callbacks)
    : options_(std::move(options)),
      callbacks_(callbacks) {
    if (store == nullptr) return;
    file_.emplace(*store, state::Store::FileOptions{.name = "watches",
                                                    .tell = tell_of_file,
                                                    .convert = entries_of_watches});
    read();
}

void Watches::read() {
    auto known = known_.synchronize();
    for (const auto& entry : file_->found()) {
        auto kept = parse(entry.key + " " + entry.value);
        if (!kept) {
            spdlog::warn("{}: malformed entry skipped: {} {}", file_->path(),
                         text::Quoted{entry.key}, text::Quoted{entry.value});
            std::ignore = file_->erase(entry.key);
            continue;
        }
        auto& watches = kept->boot == options_.boot ? known->watches : known->lost;
        if (watches.size() < watches_max) watches.push_back(std::move(kept->watch));
    }
}

state::Store::Change Watches::put(const Watch& watch) {
    return file_ ? file_->put(key_of(watch), value_of(watch, options_.boot)) : 0;
}

void Watches::erase(const Watch& watch) {
    if (file_) std::ignore = file_->erase(key_of(watch));
}

bool Watches::add(Watch watch) {
    if (const auto address = rpc::Address::parse(watch.host))
        watch.addresses = {*address};
    else if (options_.resolve)
        watch.addresses = options_.resolve(watch.host);
    if (watch.addresses.empty()) return false;
    if (watch.addresses.size() > addresses_max) watch.addresses.resize(addresses_max);
    const auto same = [host = watch.host, watcher = watch.watcher](const Watch& other) {
        return is_of(other, host, watcher);
    };
    std::optional<Watch> before;
    state::Store::Change change = 0;
    {
        auto known = known_.synchronize();
        auto& watches = known->watches;
        const auto found = std::ranges::find_if(watches, same);
        if (found != watches.end() && found->from_reserved_port && !watch.from_reserved_port)
            return false;
        if (found == watches.end() && watches.size() >= watches_max) {
            if (!std::exchange(known->is_full_told, true))
                spdlog::warn("locks: other lock managers on this machine watch too many "
                             "hosts; more are refused");
            return false;
        }
        change = put(watch);
        if (found != watches.end())
            before = std::exchange(*found, watch);
        else
            watches.push_back(watch);
    }
    if (!file_ || !file_->wait_for(change)) return true;
    auto known = known_.synchronize();
    std::erase_if(known->watches, same);
    if (before)
        std::ignore = put(known->watches.emplace_back(*std::move(before)));
    else
        erase(watch);
    return false;
}

void Watches::remove(std::string_view host, const WatcherId& watcher, bool from_reserved_port) {
    remove_if([&](const Watch& watch) {
        return is_of(watch, host, watcher) && may_end(watch, from_reserved_port);
    });
}

void Watches::remove_all(const WatcherId& watcher, bool from_reserved_port) {
    remove_if([&](const Watch& watch) {
        return watch.watcher == watcher && may_end(watch, from_reserved_port);
    });
}

void Watches::remove_if(const std::function<bool(const Watch&)>& is_meant) {
    auto known = known_.synchronize();
    std::erase_if(known->watches, [&](const Watch& watch) {
        const bool goes = is_meant(watch);
        if (goes) erase(watch);
        return goes;
    });
}

bool Watches::has_host(const rpc::Address& address) const {
    auto known = known_.synchronize();
    return std::ranges::any_of(known->watches, [&](const Watch& watch) {
        return std::ranges::find(watch.addresses, address) != watch.addresses.end();
    });
}

bool Watches::has(const Watch& watch) const {
    auto known = known_.synchronize();
    return std::ranges::any_of(known->watches, [&](const Watch& other) {
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
                 .from_reserved_port = watch.from_reserved_port,
                 .is_owed = true},
        .program = {.number = watcher.program, .version = watcher.version, .name = "watcher"},
        .call =
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
        auto known = known_.synchronize();
        for (auto& watch : known->watches) {
            if (std::ranges::find(watch.addresses, from) == watch.addresses.end()) continue;
            if (std::exchange(watch.told, state) != state) meant.push_back(watch);
        }
    }
    for (const auto& watch : meant) {
        rpc::info_of(from, "locks: {} has restarted; program {} of this machine is told",
                     text::Word{watch.host}, watch.watcher.program);
        tell(watch, state);
    }
}

void Watches::end(std::vector<Watch> Known::*which, const std::function<void(const Watch&)>& owe) {
    auto known = known_.synchronize();
    auto& watches = (*known).*which;
    if (watches.empty()) return;
    std::ranges::for_each(watches, owe);
    const auto ended = std::exchange(watches, {});
    for (const auto& watch : ended) {
        const bool is_asked_for_again =
            std::ranges::any_of(known->watches, [&](const Watch& other) {
                return is_of(other, watch.host, watch.watcher);
            });
        if (!is_asked_for_again) erase(watch);
    }
}

std::size_t Watches::size() const {
    auto known = known_.synchronize();
    return known->watches.size();
}

}  // namespace berth::nlm
