// Random sequences of operations on a real directory and on the tree in memory must have equal
// results.
//
// BERTH_SEED=n repeats the sequence that a failure names; BERTH_SEQUENCES=n runs so many.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/nfs/vfs/agreement/step.hpp"
#include "tests/nfs/vfs/agreement/world.hpp"
#include "tests/nfs/vfs/trees.hpp"

namespace berth::vfs::test {
namespace {

constexpr std::size_t steps_per_sequence = 120;
constexpr std::size_t picture_every = 20;
constexpr std::size_t sequences_default = 1000;

struct Disagreement {
    std::size_t step;
    std::string what;
};

/// What both refuse, each in its own words.
bool may_differ(Kind kind, const Outcome& real, const Outcome& memory) {
    // What else is wrong with a call on a removed object the kernel may see first.
    if (memory == stale) return real != success;
    // In a sticky directory, of a directory: of the two reasons posix names the better known one,
    // because there are file systems that say "not permitted" for either.
    if (kind == Kind::remove && memory == std::errc::operation_not_permitted) {
        return real == std::errc::is_a_directory;
    }
    return false;
}

std::optional<std::string> difference(Kind kind, const Observation& real,
                                      const Observation& memory) {
    if (real == memory) return std::nullopt;
    if (real.seen == memory.seen && may_differ(kind, real.outcome, memory.outcome)) {
        return std::nullopt;
    }
    return "posix:  " + to_string(real.outcome) + ", " + real.seen +
           "\nmemory: " + to_string(memory.outcome) + ", " + memory.seen;
}

std::optional<Disagreement> run(const Implementation& real_one, const std::vector<Step>& steps) {
    World real{real_one.make()};
    World memory{make_memory()};
    for (std::size_t i = 0; i < steps.size(); ++i) {
        const auto in_reality = real.carry_out(steps[i]);
        const auto in_memory = memory.carry_out(steps[i]);
        if (auto found = difference(steps[i].kind, in_reality, in_memory))
            return Disagreement{i, *found};
        if ((i + 1) % picture_every != 0 && i + 1 != steps.size()) continue;
        const auto real_picture = real.picture();
        const auto memory_picture = memory.picture();
        if (real_picture == memory_picture) continue;
        return Disagreement{i, "posix:\n" + real_picture + "memory:\n" + memory_picture};
    }
    return std::nullopt;
}

/// Leaves out what is not needed for a disagreement, as long as one remains.
std::vector<Step> shrunk(const Implementation& real_one, std::vector<Step> steps,
                         Disagreement& found) {
    steps.resize(found.step + 1);
    for (std::size_t part = steps.size() / 2; part > 0; part /= 2) {
        for (std::size_t at = 0; at + part <= steps.size();) {
            auto fewer = steps;
            const auto from = fewer.begin() + static_cast<std::ptrdiff_t>(at);
            fewer.erase(from, from + static_cast<std::ptrdiff_t>(part));
            if (auto still = run(real_one, fewer)) {
                found = *still;
                steps = std::move(fewer);
                steps.resize(found.step + 1);
            } else {
                at += part;
            }
        }
    }
    return steps;
}

std::optional<std::uint64_t> number_from_environment(const char* name) {
    const char* text = std::getenv(name);
    if (text == nullptr) return std::nullopt;
    return std::strtoull(text, nullptr, 0);
}

void expect_agreement(const Implementation& real_one, std::uint64_t seed) {
    const auto steps = random_steps(seed, steps_per_sequence);
    auto found = run(real_one, steps);
    if (!found) return;
    std::string sequence;
    for (const auto& step : shrunk(real_one, steps, *found)) sequence += to_string(step) + '\n';
    ADD_FAILURE() << "BERTH_SEED=" << seed << ": after\n" << sequence << found->what;
}

using Agreement = ::testing::TestWithParam<Implementation>;

std::vector<Implementation> real_ones() {
    auto all = implementations();
    std::erase_if(all, [](const auto& one) { return !one.name.starts_with("posix"); });
    return all;
}

INSTANTIATE_TEST_SUITE_P(Vfs, Agreement, ::testing::ValuesIn(real_ones()),
                         ::testing::PrintToStringParamName());

TEST_P(Agreement, OfPosixAndMemory) {
    if (const auto seed = number_from_environment("BERTH_SEED")) {
        expect_agreement(GetParam(), *seed);
        return;
    }
    const auto sequences = number_from_environment("BERTH_SEQUENCES").value_or(sequences_default);
    const std::uint64_t first = std::random_device{}();
    std::cout << sequences << " sequences from BERTH_SEED=" << first << " on\n";
    for (std::uint64_t i = 0; i < sequences && !HasFailure(); ++i) {
        expect_agreement(GetParam(), first + i);
    }
}

// The steps must get somewhere, or agreeing on them says nothing.
TEST(AgreementSteps, OfEveryKindSucceedAndFail) {
    constexpr std::size_t kinds = static_cast<std::size_t>(Kind::rename) + 1;
    std::array<std::array<int, 2>, kinds> outcomes{};
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
        World world{make_memory()};
        for (const auto& step : random_steps(seed, steps_per_sequence)) {
            const bool good = world.carry_out(step).outcome == success;
            ++outcomes.at(static_cast<std::size_t>(step.kind)).at(good ? 1 : 0);
        }
    }
    for (std::size_t kind = 0; kind < kinds; ++kind) {
        EXPECT_GE(outcomes.at(kind).at(0), 5) << "failures of kind " << kind;
        EXPECT_GE(outcomes.at(kind).at(1), 5) << "successes of kind " << kind;
    }
}

TEST(AgreementSteps, AreTheSameForTheSameSeed) {
    const auto text = [](std::uint64_t seed) {
        std::string all;
        for (const auto& step : random_steps(seed, 100)) all += to_string(step) + '\n';
        return all;
    };
    EXPECT_EQ(text(5), text(5));
    EXPECT_NE(text(5), text(6));
}

}  // namespace
}  // namespace berth::vfs::test
