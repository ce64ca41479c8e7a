// Which exports are in force. For everybody who serves, on any thread, and for the one who replaces
// them while they do.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "nfs/vfs/claim.hpp"
#include "nfs/vfs/export_table.hpp"
#include "nfs/vfs/host_directory.hpp"
#include "nfs/vfs/result.hpp"

namespace berth::vfs {

struct Permit;

/// A table that is replaced as a whole; whoever has it pinned goes on with the one that was pinned.
/// Locks itself; pinning takes no lock.
class Exports {
public:
    /// For entries that mean clients by name.
    struct Limits {
        std::size_t clients_max = 4096;  ///< remembered
        std::chrono::milliseconds answers_last{60'000};
        std::chrono::milliseconds retry_after{5'000};  ///< where nobody could be asked
        std::chrono::milliseconds patience{3'000};     ///< of who waits to learn a client
        unsigned waiting_max = 8;                      ///< who wait at once
    };

    /// Nothing is exported.
    Exports();
    /// Both throw what ExportTable does. Without `hosts`, which outlives this, clients whom an
    /// entry with a name may mean stay unknown; without `groups`, which outlives this too, callers
    /// have the groups that they say they have. `mapped`: whom the kernel knows here.
    explicit Exports(std::vector<Export> exports);
    Exports(std::vector<Export> exports, HostDirectory* hosts, const Limits& limits,
            UserGroups* groups = nullptr, MappedOwners mapped = MappedOwners::of_process());
    Exports(const Exports&) = delete;
    Exports& operator=(const Exports&) = delete;
    ~Exports();

    /// Keeps a table, its exports and their file systems alive. For one call, no longer.
    class Pin {
    public:
        Pin() = default;
        /// `users` counts this pin already.
        Pin(const ExportTable& table, std::atomic<std::uint32_t>& users) noexcept
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

        const ExportTable& operator*() const noexcept { return *table_; }
        const ExportTable* operator->() const noexcept { return table_; }

    private:
        const ExportTable* table_ = nullptr;
        std::atomic<std::uint32_t>* users_ = nullptr;
    };

    /// The table in force. `user` is anything that threads do not share (the call): it spreads
    /// counters, so that threads do not meet on one cache line.
    [[nodiscard]] Pin pin(const void* user = nullptr) const noexcept;

    /// What this caller may do in the export with this id, and as whom. stale: there is none (any
    /// more); operation_not_permitted: the port is not below 1024; permission_denied: it is not for
    /// this client, or not for callers of this flavour; would_block: who the client is, or which
    /// groups its user has, must be found out first, and with Wait::yes that was tried in vain.
    /// `user` as for pin().
    [[nodiscard]] Result<Permit> admit(ExportId id, const CallOrigin& from, const Claim& claim,
                                       Wait wait, const void* user = nullptr) const;

    /// From now on these. What is known of clients stays known. Throws what ExportTable does, or
    /// std::runtime_error when calls that can't end keep too many older tables; then nothing has
    /// changed.
    void replace(std::vector<Export> exports);

    /// Finds out who this client is, and waits for that. False when it takes too long, or too many
    /// wait already.
    [[nodiscard]] bool learn(const ClientAddress& client) const;

    /// To be called about once a second by a thread that may block: lets go of replaced tables.
    void sweep() const;

private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

/// An export, and what a caller may do there.
struct Permit {
    Exports::Pin exports;  ///< what follows lies in there
    const Export* exported = nullptr;
    const ExportOptions* options = nullptr;
    Identified caller;
};

}  // namespace berth::vfs
