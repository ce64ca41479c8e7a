// The values in rules. Each function throws RuleError that names the word.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/faults/rule.hpp"
#include "server/faults/words.hpp"

namespace berth::server::faults {

/// From `least` on; K, M and G (powers of 1024) are understood.
[[nodiscard]] std::uint64_t number_of(const Word& word, std::uint64_t least = 0);
/// "4096", "0-4095", "1M-", "-100", and several between commas. Empty ranges are refused.
[[nodiscard]] std::vector<NumberRange> ranges_of(const Word& word);
/// "200ms", "1.5s", "2m"
[[nodiscard]] Duration duration_of(const Word& word);
/// "200ms", "100ms..300ms" (uniform), "200ms~50ms" (normal), "held"
[[nodiscard]] Delay delay_of(const Word& word);
/// Above 0, at most 1.
[[nodiscard]] double probability_of(const Word& word);

/// A word for a number.
struct Named {
    std::string_view name;
    std::uint32_t number = 0;
};
/// Refuses others, and names the nearest.
[[nodiscard]] std::uint32_t choice_of(const Word& word, const std::vector<Named>& known);

/// The statuses of a program's results: "NFS3ERR_IO" of 100003, "MNT3ERR_ACCES" of 100005,
/// "NLM4_DENIED" of 100021.
struct StatusName {
    std::uint32_t program = 0;
    std::string_view name;
    std::uint32_t number = 0;
};
[[nodiscard]] StatusName status_of(const Word& word);

[[nodiscard]] rpc::AcceptedBody refusal_of(const Word& word);
[[nodiscard]] rpc::RejectedReply denial_of(const Word& word);

}  // namespace berth::server::faults
