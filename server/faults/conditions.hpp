// The conditions of rules.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "server/faults/rule.hpp"
#include "server/faults/words.hpp"

namespace berth::server::faults {

/// A program, or one of its procedures, in all its versions.
struct CallName {
    std::uint32_t program = 0;
    std::optional<std::uint32_t> procedure = {};

    bool operator==(const CallName&) const = default;
    [[nodiscard]] bool is_of(const rpc::Call& call) const noexcept {
        return program == call.program.number &&
               (!procedure || *procedure == call.procedure.number);
    }
    [[nodiscard]] bool is_of_nfs() const noexcept;
    /// Whether its calls name something that has a path.
    [[nodiscard]] bool has_path() const noexcept;
    /// Whether its results say where the end is.
    [[nodiscard]] bool has_end() const noexcept;
    /// Whether its calls have an offset and a size.
    [[nodiscard]] bool has_range() const noexcept;
};

/// Calls that are among the wanted ones (or any, if there are none), and not among the others.
[[nodiscard]] Condition is_among(std::vector<CallName> wanted, std::vector<CallName> others);

/// Calls of NFS that change something.
[[nodiscard]] Condition is_change();

/// "client=10.0.0.0/8" and the like. Throws RuleError if the value is wrong; the key must be one of
/// a condition.
[[nodiscard]] Condition condition_of(const Word& word);

}  // namespace berth::server::faults
