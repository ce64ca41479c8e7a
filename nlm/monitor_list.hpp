// Which clients hold locks, kept across restarts, so that they can be told when the server has lost
// them; and the server's own state number, which says how often that was (X/Open XNFS chapter 11).
// Locks itself.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <boost/system/result.hpp>

#include "nfs/vfs/file_keeper.hpp"
#include "nlm/owner.hpp"

namespace berth::nlm {

/// A client, and how it is to be told: from the address that it knows the server by.
struct Monitored {
    Host host;
    rpc::Address local;
    std::int32_t state = 0;  ///< the client's own state number, as its last lock said; not kept
    std::chrono::steady_clock::time_point used;                 ///< by add(); not kept
    std::optional<std::chrono::steady_clock::time_point> told;  ///< of a restart; not kept
    bool is_in_file = false;  ///< and stays there until the file is written anew
};

[[nodiscard]] std::vector<Host> hosts_of(const std::vector<Monitored>& clients);

class MonitorList {
public:
    using Clock = std::chrono::steady_clock;
    static constexpr std::size_t hosts_max = 4096;
    /// Nobody takes the room of others by many names.
    static constexpr std::size_t address_hosts_max = 256;
    /// A file that has more of them is no file of ours.
    static constexpr std::size_t to_notify_max = 2 * hosts_max;

    /// Reads the file, has the state number say that there was a restart, and writes that. Without
    /// a file, nothing survives. What can't be read is lost, and the log says so. Starts a thread:
    /// see FileKeeper.
    /// `refuses`: add() refuses everybody, since there is no file where there should be one.
    explicit MonitorList(std::optional<std::filesystem::path> file, bool refuses = false);

    /// Odd: up. Waits for no disk.
    [[nodiscard]] std::int32_t state() const noexcept { return state_; }

    /// While it lives, keep() leaves the host in the list.
    class [[nodiscard]] Stay {
    public:
        Stay(MonitorList& list, Host host) : list_(&list), host_(std::move(host)) {}
        Stay(Stay&& other) noexcept
            : list_(std::exchange(other.list_, nullptr)),
              host_(std::move(other.host_)) {}
        Stay& operator=(Stay&&) = delete;
        Stay(const Stay&) = delete;
        Stay& operator=(const Stay&) = delete;
        ~Stay() {
            if (list_ != nullptr) list_->end_stay(host_);
        }

    private:
        MonitorList* list_;
        Host host_;
    };
    enum class Refusal : std::uint8_t {
        too_many,  ///< hosts, in all or of its address
        not_kept   ///< the file can't be written; the log says why
    };

    /// On disk when this returns; at once when the host is there already. Without a file it is in
    /// memory, and lost with it.
    boost::system::result<Stay, Refusal> add(Monitored host);
    /// The number that the host gave last; 0 when unknown.
    [[nodiscard]] std::int32_t state_of(const Host& host) const;
    /// Keeps those that hold something, those added after `used_since`, so that a client that locks
    /// and unlocks all the time costs no writing, and those told of a restart after `told_since`:
    /// they are about to reclaim.
    void keep(const std::function<bool(const Host&)>& is_in_use, Clock::time_point used_since,
              Clock::time_point told_since);

    /// Those that held locks before a restart and have not been told of it.
    [[nodiscard]] std::vector<Monitored> to_notify() const;
    /// This one too is to be told, though it held no locks of ours.
    void owe(const Monitored& host);
    /// It knows now and reclaims; should the server crash meanwhile, it has to be told again.
    void told(const Host& host);
    /// Given up, or has nothing to reclaim.
    void forget(const Host& host);

    /// As a restart does it: a new state number, and everybody is to be told.
    void restart();

private:
    struct Entry {
        Monitored host;
        vfs::FileKeeper::Change put_by = 0;
        unsigned stays = 0;
    };

    void read();
    [[nodiscard]] std::string text() const;
    void tell(const std::error_code& failure) const;
    void begin();
    [[nodiscard]] bool has_room_for(const Host& host) const;
    [[nodiscard]] bool is_kept(vfs::FileKeeper::Change put_by) const;
    void end_stay(const Host& host);
    vfs::FileKeeper::Change note_change();

    const std::optional<std::filesystem::path> file_;
    const bool refuses_;
    mutable std::mutex lock_;
    std::atomic<std::int32_t> state_ = -1;
    std::map<Host, Entry> hosts_;
    std::map<Host, Monitored> to_notify_;
    std::optional<vfs::FileKeeper> keeper_;  // last: its thread uses the rest
};

}  // namespace berth::nlm
