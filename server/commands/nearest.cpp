#include "server/commands/nearest.hpp"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <vector>

namespace berth::server::commands {
namespace {

/// How many letters must be put in, taken out or replaced (Levenshtein).
std::size_t distance(std::string_view one, std::string_view other) {
    std::vector<std::size_t> row(other.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i < one.size(); ++i) {
        auto diagonal = row[0];
        row[0] = i + 1;
        for (std::size_t j = 0; j < other.size(); ++j) {
            const auto replaced = diagonal + (one[i] == other[j] ? 0 : 1);
            diagonal = row[j + 1];
            row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
        }
    }
    return row.back();
}

std::string_view nearest(std::string_view word, std::span<const std::string_view> known) {
    constexpr std::size_t word_bytes_max = 64;
    if (word.empty() || word.size() > word_bytes_max) return {};
    std::string_view best;
    auto least = std::max<std::size_t>(1, word.size() / 3) + 1;
    for (const auto one : known) {
        const auto differs = distance(word, one);
        if (differs >= least) continue;
        least = differs;
        best = one;
    }
    return best;
}

}  // namespace

std::string suggestion(std::string_view word, std::span<const std::string_view> known) {
    const auto meant = nearest(word, known);
    return meant.empty() ? "" : "; did you mean '" + std::string{meant} + "'?";
}

}  // namespace berth::server::commands
