// The words of rules that have results say something else than what happened.
#pragma once

#include <cstdint>
#include <span>

#include "server/faults/rule.hpp"
#include "server/faults/words.hpp"

namespace berth::server::faults {

/// The calls that a word can be about.
enum class Needs : std::uint8_t {
    nfs,    ///< of NFS
    range,  ///< READ, WRITE and COMMIT
    end,    ///< READ and listings, whose results say where the end is
};

struct ResultWord {
    Key key;
    Needs needs{};
    void (*take)(const Word& word, ResultActs& into) = nullptr;  ///< throws RuleError
};
[[nodiscard]] std::span<const ResultWord> result_words();

}  // namespace berth::server::faults
