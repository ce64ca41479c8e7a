#include "rpc/text/nearest.hpp"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <utility>
#include <vector>

namespace berth::text {
namespace {

/// How many letters must be put in, taken out, replaced, or swapped with the next (optimal string
/// alignment).
std::size_t distance(std::string_view one, std::string_view other) {
    using Row = std::vector<std::size_t>;
    Row before_last;
    Row last(other.size() + 1);
    std::iota(last.begin(), last.end(), std::size_t{0});
    for (std::size_t i = 0; i < one.size(); ++i) {
        Row row(other.size() + 1);
        row[0] = i + 1;
        for (std::size_t j = 0; j < other.size(); ++j) {
            const auto replaced = last[j] + (one[i] == other[j] ? 0 : 1);
            row[j + 1] = std::min({replaced, row[j] + 1, last[j + 1] + 1});
            const bool is_swapped =
                i > 0 && j > 0 && one[i] == other[j - 1] && one[i - 1] == other[j];
            if (is_swapped) row[j + 1] = std::min(row[j + 1], before_last[j - 1] + 1);
        }
        before_last = std::exchange(last, std::move(row));
    }
    return last.back();
}

/// What is left of a word when somebody cuts it short.
std::string_view shortest_that_begins(std::string_view word,
                                      std::span<const std::string_view> known) {
    constexpr std::size_t word_bytes_min = 3;
    if (word.find_first_not_of('-') == std::string_view::npos || word.size() < word_bytes_min)
        return {};
    std::string_view best;
    for (const auto one : known)
        if (one.starts_with(word) && (best.empty() || one.size() < best.size())) best = one;
    return best;
}

}  // namespace

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
    return best.empty() ? shortest_that_begins(word, known) : best;
}

std::string suggestion(std::string_view word, std::span<const std::string_view> known) {
    const auto meant = nearest(word, known);
    return meant.empty() ? "" : "; did you mean '" + std::string{meant} + "'?";
}

}  // namespace berth::text
