// Keeps tables while calls use them. A reader registers in the slot in force and then checks that
// it still is in force; so nobody uses a slot that is not in force and has no registered reader.
// Readers take no lock; the caller that fills and empties slots holds one.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "nfs/exports/exports.hpp"

namespace berth::exports::in_force {

class Slots {
public:
    explicit Slots(Table first) { slots_.front().table.emplace(std::move(first)); }

    [[nodiscard]] Exports::Pin pin(const void* user) noexcept {
        const auto shard = shard_of(user);
        while (true) {
            auto& slot = slots_[in_force_.load(std::memory_order_acquire)];
            auto& users = slot.users[shard].count;
            users.fetch_add(1, std::memory_order_seq_cst);
            if (&slot == &slots_[in_force_.load(std::memory_order_seq_cst)])
                return {*slot.table, users};
            users.fetch_sub(1, std::memory_order_release);
        }
    }

    // --- one caller at a time ---

    [[nodiscard]] const Table& in_force() const noexcept {
        return *slots_[in_force_.load(std::memory_order_relaxed)].table;
    }
    /// False if all other slots are in use; then nothing has changed.
    [[nodiscard]] bool put(Table table);
    /// Releases the tables that nobody uses any more.
    void empty();

private:
    // Usually more than the threads that a disk can hold up.
    static constexpr std::size_t slots = 64;
    static constexpr std::size_t shards = 16;
    static constexpr std::size_t cache_line_bytes = 64;

    struct alignas(cache_line_bytes) Users {
        std::atomic<std::uint32_t> count{0};
    };
    struct Slot {
        std::optional<Table> table;
        std::array<Users, shards> users;
    };

    /// Calls lie in separate memory, usually a page or more apart.
    static std::size_t shard_of(const void* user) noexcept {
        const auto address = reinterpret_cast<std::uintptr_t>(user);
        return (address >> 6 ^ address >> 12 ^ address >> 18) % shards;
    }

    std::array<Slot, slots> slots_;
    std::atomic<std::size_t> in_force_{0};
};

}  // namespace berth::exports::in_force
