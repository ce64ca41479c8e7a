// What other programs of this machine want to be told of: that some host has restarted (X/Open XNFS
// chapter 11: SM_MON). Kept across restarts of this server. Locks itself; any thread.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "nfs/vfs/file_keeper.hpp"
#include "nlm/callbacks.hpp"

namespace berth::nlm {

/// `my_id`: the program that is to be called, and the name that it gives itself.
struct WatcherId {
    std::string name;
    std::uint32_t program = 0;
    std::uint32_t version = 0;
    std::uint32_t procedure = 0;
    // NOLINTNEXTLINE(modernize-use-nullptr): a false alarm of clang-tidy 14
    auto operator<=>(const WatcherId&) const = default;
};

struct Watch {
    std::string host;                     ///< as the watcher calls it
    std::vector<rpc::Address> addresses;  ///< of that host: notices from elsewhere are not its own
    WatcherId watcher;
    std::array<std::byte, 16> cookie{};
    rpc::Address from;  ///< a loopback address: there, and there only, the watcher is called
    rpc::Transport transport = rpc::Transport::udp;
    bool from_reserved_port = false;   ///< as it called, so it is called
    std::optional<std::int32_t> told;  ///< the state it was told of last; not kept
};

class Watches {
public:
    static constexpr std::size_t watches_max = 1024;
    /// The addresses of a host by its name; none: unknown. May take seconds.
    using Resolve = std::function<std::vector<rpc::Address>(const std::string& name)>;

    struct Options {
        std::optional<std::filesystem::path> file;  ///< without, nothing survives
        std::string boot;                           ///< another one after each boot of this machine
        Resolve resolve;
    };

    /// Reads the file. `callbacks` outlives this. Starts a thread: see FileKeeper.
    Watches(Options options, Callbacks& callbacks);

    /// The same host and watcher again: in place of the first. On disk when this returns. False:
    /// nobody knows the host, there are too many, or it can't be written; then it is not watched.
    bool add(Watch watch);
    void remove(std::string_view host, const WatcherId& watcher);
    void remove_all(const WatcherId& watcher);

    /// Tells those who watch a host of this address, once of each state.
    void restarted(const rpc::Address& from, std::int32_t state);

    /// Gives up those of before this machine's last boot, whose programs have lost their locks:
    /// each host is to be told, and once `owe` has returned for all, they are forgotten.
    void end_lost(const std::function<void(const Watch&)>& owe) { end(lost_, owe); }
    /// The same for all of them, as a crash does it.
    void end_all(const std::function<void(const Watch&)>& owe) { end(watches_, owe); }

    [[nodiscard]] std::size_t size() const;

private:
    void read();
    [[nodiscard]] std::string text() const;
    void tell_of_file(const std::error_code& failure) const;
    vfs::FileKeeper::Change note_change();
    /// Whether it is on disk, as far as anything is to be.
    [[nodiscard]] bool is_written(vfs::FileKeeper::Change change);
    void end(std::vector<Watch>& watches, const std::function<void(const Watch&)>& owe);
    void tell(const Watch& watch, std::int32_t state);
    [[nodiscard]] bool has(const Watch& watch) const;

    const Options options_;
    Callbacks& callbacks_;
    mutable std::mutex lock_;
    std::vector<Watch> watches_;
    std::vector<Watch> lost_;
    bool is_full_told_ = false;
    std::optional<vfs::FileKeeper> keeper_;  // last: its thread uses the rest
};

}  // namespace berth::nlm
