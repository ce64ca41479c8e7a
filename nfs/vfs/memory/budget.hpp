// How much of something is used up, and how much there may be.
#pragma once

#include <cassert>
#include <cstdint>

namespace berth::vfs::memory {

class Budget {
public:
    explicit Budget(std::uint64_t total) : total_(total) {}

    [[nodiscard]] std::uint64_t total() const { return total_; }
    [[nodiscard]] std::uint64_t left() const { return total_ - used_; }

    /// False when less is left; then nothing was taken.
    [[nodiscard]] bool take(std::uint64_t amount) {
        if (amount > left()) return false;
        used_ += amount;
        return true;
    }
    void give_back(std::uint64_t amount) {
        assert(amount <= used_);
        used_ -= amount;
    }

private:
    std::uint64_t total_;
    std::uint64_t used_ = 0;
};

}  // namespace berth::vfs::memory
