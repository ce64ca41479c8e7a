// How much of a resource is used, and how much there is in total.
#pragma once

#include <cassert>
#include <cstdint>

namespace berth::vfs::memory {

class Capacity {
public:
    explicit Capacity(std::uint64_t total) : total_(total) {}

    [[nodiscard]] std::uint64_t total() const { return total_; }
    [[nodiscard]] std::uint64_t left() const { return total_ - used_; }

    /// Needs at least `amount` to be left.
    void charge(std::uint64_t amount) {
        assert(amount <= left());
        used_ += amount;
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
