// Notices that other programs of this machine want: that a host has restarted (X/Open XNFS chapter
// 11: SM_MON). Kept across restarts of this server. Locks itself; any thread.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/thread/synchronized_value.hpp>

#include "nfs/state/store.hpp"
#include "nlm/callbacks.hpp"

namespace berth::nlm {

/// `my_id`: the program to call, and the name that it gives itself.
struct WatcherId {
    std::string name;
    std::uint32_t program = 0;
    std::uint32_t version = 0;
    std::uint32_t procedure = 0;
    // NOLINTNEXTLINE(modernize-use-nullptr): a false alarm of clang-tidy 14
    auto operator<=>(const WatcherId&) const = default;
};

struct Watch {
    std::string host;                     ///< the watcher's name for it
    std::vector<rpc::Address> addresses;  ///< of that host: notices from elsewhere do not count
    WatcherId watcher;
    std::array<std::byte, 16> cookie{};
    rpc::Address from;  ///< a loopback address; the watcher is called there only
    rpc::Transport transport = rpc::Transport::udp;
    bool from_reserved_port = false;   ///< as it called, so it is called back
    std::optional<std::int32_t> told;  ///< the state that it was told of last; not kept
};

class Watches {
public:
    static constexpr std::size_t watches_max = 1024;
    /// The limit for one host; further addresses are ignored.
    static constexpr std::size_t addresses_max = 64;
    /// Returns the addresses of a host by its name; empty: unknown. May take seconds.
    using Resolve = std::function<std::vector<rpc::Address>(const std::string& name)>;

    struct Options {
        std::string boot;  ///< one word, which changes with each boot of this machine
        Resolve resolve;
    };

    /// Reads `watches`. Without a store nothing survives. Store and callbacks outlive this.
    Watches(state::Store* store, Options options, Callbacks& callbacks);
    Watches(const Watches&) = delete;
    Watches& operator=(const Watches&) = delete;

    /// The same host and watcher again replaces the first watch. On disk on return. False: the host
    /// is unknown, there are too many watches, the old watch was requested from a reserved port and
    /// this one was not, or writing failed; then nothing has changed.
    bool add(Watch watch);
    /// A watch requested from a reserved port can be removed only from one.
    void remove(std::string_view host, const WatcherId& watcher, bool from_reserved_port);
    void remove_all(const WatcherId& watcher, bool from_reserved_port);

    /// Whether a program watches a host with this address.
    [[nodiscard]] bool has_host(const rpc::Address& address) const;

    /// Tells the programs that watch a host with this address, once for each state.
    void restarted(const rpc::Address& from, std::int32_t state);

    /// Gives up watches from before this machine's last boot; their programs have lost their locks.
    /// Each host must be told: when `owe` has returned for all of them, the watches are forgotten.
    void end_lost(const std::function<void(const Watch&)>& owe) { end(&Known::lost, owe); }
    /// The same for all watches, as in a crash.
    void end_all(const std::function<void(const Watch&)>& owe) { end(&Known::watches, owe); }

    [[nodiscard]] std::size_t size() const;

private:
    struct Known {
        std::vector<Watch> watches;
        std::vector<Watch> lost;
        bool is_full_told = false;
    };

    void read();
    state::Store::Change put(const Watch& watch);
    void erase(const Watch& watch);
    void remove_if(const std::function<bool(const Watch&)>& is_meant);
    void end(std::vector<Watch> Known::*which, const std::function<void(const Watch&)>& owe);
    void tell(const Watch& watch, std::int32_t state);
    [[nodiscard]] bool has(const Watch& watch) const;

    const Options options_;
    Callbacks& callbacks_;
    boost::synchronized_value<Known, std::mutex> known_;
    std::optional<state::Store::File> file_;
};

}  // namespace berth::nlm
