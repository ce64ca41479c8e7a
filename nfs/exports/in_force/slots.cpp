#include "nfs/exports/in_force/slots.hpp"

#include <algorithm>

namespace berth::exports::in_force {

bool Slots::put(Table table) {
    empty();
    const auto free = std::ranges::find_if(slots_, [](const Slot& slot) { return !slot.table; });
    if (free == slots_.end()) return false;
    free->table.emplace(std::move(table));
    in_force_.store(static_cast<std::size_t>(free - slots_.begin()), std::memory_order_seq_cst);
    return true;
}

// A reader that registers in a slot no longer in force notices, and leaves it alone. So if all
// counters were zero one after the other, nobody uses the slot.
void Slots::empty() {
    for (std::size_t at = 0; at < slots; ++at) {
        auto& slot = slots_[at];
        if (at == in_force_.load(std::memory_order_relaxed) || !slot.table) continue;
        const bool is_used = std::ranges::any_of(slot.users, [](const Users& users) {
            return users.count.load(std::memory_order_seq_cst) != 0;
        });
        if (!is_used) slot.table.reset();
    }
}

}  // namespace berth::exports::in_force
