// The exports in force. Any thread that serves calls uses them, while another thread may replace
// them.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "nfs/exports/claim.hpp"
#include "nfs/exports/host_directory.hpp"
#include "nfs/exports/table.hpp"
#include "nfs/vfs/result.hpp"

namespace berth::exports {

struct Permit;

/// A table that is replaced as a whole; a call that has pinned a table goes on with that one. Locks
/// itself; pinning takes no lock.
class Exports {
public:
    /// For entries that name clients.
    struct Limits {
        std::size_t clients_max = 4096;  ///< the most that are remembered
        std::chrono::milliseconds answers_last{60'000};
        /// When no name service could be asked: the first delay; it doubles up to three times.
        std::chrono::milliseconds retry_after{5'000};
        /// How long old answers hold while no service can be asked; then they expire.
        std::chrono::milliseconds old_answers_last{86'400'000};
        std::chrono::milliseconds patience{3'000};  ///< of a call that waits for answers
        unsigned waiting_max = 8;                   ///< the most calls that wait at once
    };

    /// Exports nothing.
    Exports();
    /// Both throw what Table does. `hosts` and `groups` outlive this. Without `hosts`, a client
    /// that an entry with a name may match stays unknown. Without `groups`, callers have the groups
    /// that they claim. `mapped`: the ids that the kernel maps here.
    explicit Exports(std::vector<Export> exports);
    Exports(std::vector<Export> exports, HostDirectory* hosts, const Limits& limits,
            UserGroups* groups = nullptr,
            vfs::MappedOwners mapped = vfs::MappedOwners::of_process());
    Exports(const Exports&) = delete;
    Exports& operator=(const Exports&) = delete;
    ~Exports();

    /// Keeps a table, its exports and their file systems alive. For one call, no longer.
    class Pin {
    public:
        Pin() = default;
        /// `users` already counts this pin.
        Pin(const Table& table, std::atomic<std::uint32_t>& users) noexcept
            : table_(&table),
              users_(&users) {}
        Pin(Pin&& other) noexcept
            : table_(std::exchange(other.table_, nullptr)),
              users_(std::exchange(other.users_, nullptr)) {}
        Pin& operator=(Pin&& other) noexcept {
            std::swap(table_, other.table_);
            std::swap(users_, other.users_);
            return *this;
        }
        ~Pin() {
            if (users_ != nullptr) users_->fetch_sub(1, std::memory_order_release);
        }

        const Table& operator*() const noexcept { return *table_; }
        const Table* operator->() const noexcept { return table_; }

    private:
        const Table* table_ = nullptr;
        std::atomic<std::uint32_t>* users_ = nullptr;
    };

    /// The table in force. `user` is any address that threads do not share (the call): it spreads
    /// counters over cache lines.
    [[nodiscard]] Pin pin(const void* user = nullptr) const noexcept;

    /// The caller's rights and identity in the export with this id. stale: there is no such export
    /// (any more); operation_not_permitted: the port is not below 1024; permission_denied: the
    /// export is not for this client, or not for callers of this flavour; would_block: the client's
    /// names or the user's groups must be found out first, and with Patience::ample the attempt
    /// failed. `user` as for pin().
    [[nodiscard]] vfs::Result<Permit> admit(ExportId id, const CallOrigin& from, const Claim& claim,
                                            vfs::Patience patience,
                                            const void* user = nullptr) const;

    /// Puts these exports into force; what is known about clients stays known. Throws what Table
    /// does, or std::runtime_error if calls that can't end keep too many older tables; then nothing
    /// has changed.
    void replace(std::vector<Export> exports);

    /// Finds out what the entries with names say about this client, and waits for that. False if it
    /// takes too long, or if too many calls wait already. True also if a service could not be
    /// asked; that is not retried at once.
    [[nodiscard]] bool learn(const ClientAddress& client) const;

    /// To be called about once a second by a thread that may block: releases replaced tables.
    void sweep() const;

private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

/// An export, and what a caller may do there.
struct Permit {
    Exports::Pin exports;  ///< keeps what follows alive
    const Export* exported = nullptr;
    const Options* options = nullptr;  ///< of this caller in that export
    vfs::Caller caller;
    KnownUserPtr user;  ///< holds the caller's groups, unless they lie in the claim's room
};

}  // namespace berth::exports
