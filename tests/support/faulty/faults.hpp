// Decides which operation fails. Any number of threads may ask; it locks itself.
#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "nfs/vfs/types.hpp"
#include "tests/support/faulty/file_system.hpp"

namespace berth::vfs::faulty {

class Faults {
public:
    struct Failure {
        std::errc error;
        bool after_success;
        std::optional<std::size_t> read_bytes_max;
    };

    void inject(Fault fault);
    void clear();
    [[nodiscard]] std::uint64_t failures() const;
    [[nodiscard]] std::uint64_t calls(Operation operation) const;

    /// Counts the operation. How it must fail, if it must.
    std::optional<Failure> next(Operation operation, Patience patience);

    /// Carries out `action` as this operation.
    template <class Action>
    auto run(Operation operation, Patience patience, Action&& action) -> decltype(action()) {
        return failing(next(operation, patience), std::forward<Action>(action));
    }
    template <class Action>
    static auto failing(const std::optional<Failure>& failure, Action&& action)
        -> decltype(action()) {
        if (failure && !failure->after_success) return failure->error;
        auto result = std::forward<Action>(action)();
        if (failure && result) return failure->error;
        return result;
    }

private:
    struct Injected {
        Fault fault;
        std::uint64_t seen = 0;
    };

    mutable std::mutex lock_;
    std::vector<Injected> injected_;
    std::array<std::uint64_t, operations> calls_{};
    std::uint64_t failures_ = 0;
};

}  // namespace berth::vfs::faulty
