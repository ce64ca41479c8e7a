// Runs a fuzz target where libFuzzer is not to be had: replays the given files (and folders of
// files), then random mutations of them, the same ones for the same seed, until there were so many
// runs or so many seconds have passed, whichever is given.
//   fuzz_NAME [-runs=N] [-max_total_time=SECONDS] [-seed=N] [-max_len=N] [-artifact_prefix=PATH]
//             [file or folder...]
// An input that kills the target is left in <artifact_prefix>crash-NAME.

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include <boost/filesystem/directory.hpp>
#include <boost/filesystem/operations.hpp>
#include <boost/filesystem/path.hpp>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
// Present in sanitizer builds only.
extern "C" [[gnu::weak]] void __sanitizer_set_death_callback(void (*callback)());

namespace {

using Input = std::vector<std::uint8_t>;

// What a signal handler can reach.
const Input* current = nullptr;
std::string crash_path;

void save_current() {
    if (!current) return;
    const int file = ::open(crash_path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (file < 0) return;
    if (::write(file, current->data(), current->size()) >= 0)
        std::ignore = ::write(2, "input saved\n", 12);
    ::close(file);
}

void save_and_die(int signal) {
    save_current();
    std::signal(signal, SIG_DFL);
    std::raise(signal);
}

void run(const Input& input) {
    current = &input;
    // A copy of its exact size, so that a read past the end is one past the allocation too.
    const Input exact(input);
    LLVMFuzzerTestOneInput(exact.data(), exact.size());
    current = nullptr;
}

class Mutator {
public:
    Mutator(std::uint64_t seed, std::size_t size_max) : random_{seed}, size_max_{size_max} {}

    std::size_t below(std::size_t end) { return end == 0 ? 0 : random_() % end; }

    void mutate(Input& input, const Input& other) {
        for (std::size_t steps = 1 + below(4); steps > 0; --steps) step(input, other);
        if (input.size() > size_max_) input.resize(size_max_);
    }

private:
    void step(Input& input, const Input& other) {
        const auto at = [&] { return static_cast<std::ptrdiff_t>(below(input.size() + 1)); };
        if (input.empty()) {
            input = other;
            input.resize(input.size() + 4 * (1 + below(16)));
            return;
        }
        switch (below(8)) {
        case 0: input[below(input.size())] ^= static_cast<std::uint8_t>(1U << below(8)); break;
        case 1: input[below(input.size())] = static_cast<std::uint8_t>(random_()); break;
        case 2:
        case 3: overwrite_word(input); break;
        case 4: input.resize(below(input.size())); break;
        case 5: input.insert(input.begin() + at(), 4 * (1 + below(8)), std::uint8_t{0}); break;
        case 6: {
            auto from = at();
            auto to = at();
            if (from > to) std::swap(from, to);
            input.erase(input.begin() + from, input.begin() + to);
            break;
        }
        default: {
            // The head of one and the tail of another, cut where words are.
            const std::size_t cut = below(std::min(input.size(), other.size()) + 1) / 4 * 4;
            input.resize(cut);
            input.insert(input.end(), other.begin() + static_cast<std::ptrdiff_t>(cut),
                         other.end());
        }
        }
    }

    // Lengths, discriminants and counts are big-endian words: these are the values that decoders
    // get wrong.
    void overwrite_word(Input& input) {
        static constexpr std::array<std::uint32_t, 12> interesting{
            0, 1, 2, 3, 4, 255, 256, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFC, 0xFFFFFFFF};
        if (input.size() < 4) return;
        const std::size_t place = 4 * below(input.size() / 4);
        const std::uint32_t word = below(4) == 0
                                       ? static_cast<std::uint32_t>(below(input.size() + 8))
                                       : interesting[below(interesting.size())];
        for (std::size_t i = 0; i < 4; ++i)
            input[place + i] = static_cast<std::uint8_t>(word >> (24 - 8 * i));
    }

    std::mt19937_64 random_;
    std::size_t size_max_;
};

void load(const boost::filesystem::path& path, std::vector<Input>& corpus) {
    if (boost::filesystem::is_directory(path)) {
        std::vector<boost::filesystem::path> entries{boost::filesystem::directory_iterator{path},
                                                     {}};
        std::ranges::sort(entries);
        for (const auto& entry : entries) load(entry, corpus);
        return;
    }
    std::ifstream file{path, std::ios::binary};
    if (!file) {
        std::fprintf(stderr, "cannot read %s\n", path.c_str());
        std::exit(2);
    }
    corpus.emplace_back(std::istreambuf_iterator<char>{file}, std::istreambuf_iterator<char>{});
}

}  // namespace

int main(int argc, char** argv) {
    std::uint64_t runs_max = 0;
    std::uint64_t seconds_max = 0;
    std::uint64_t seed = 1;
    std::size_t size_max = 65536;
    std::vector<Input> corpus;
    crash_path = "crash-" + boost::filesystem::path{argv[0]}.filename().string();
    for (int i = 1; i < argc; ++i) {
        const std::string_view argument{argv[i]};
        const auto number = [&](std::string_view name, auto& value) {
            if (!argument.starts_with(name)) return false;
            std::from_chars(argument.data() + name.size(), argument.data() + argument.size(),
                            value);
            return true;
        };
        constexpr std::string_view artifact_prefix = "-artifact_prefix=";
        if (argument.starts_with(artifact_prefix))
            crash_path.insert(0, argument.substr(artifact_prefix.size()));
        else if (!number("-runs=", runs_max) && !number("-max_total_time=", seconds_max) &&
                 !number("-seed=", seed) && !number("-max_len=", size_max))
            load(argument, corpus);
    }

    if (__sanitizer_set_death_callback) {
        __sanitizer_set_death_callback(save_current);
    } else {
        std::signal(SIGABRT, save_and_die);
        std::signal(SIGSEGV, save_and_die);
    }

    corpus.emplace_back();
    for (const Input& input : corpus) run(input);
    Mutator mutator{seed, size_max};
    Input input;
    using Clock = std::chrono::steady_clock;
    const auto end = Clock::now() + std::chrono::seconds{seconds_max};
    const auto is_enough = [&](std::uint64_t runs) {
        if (runs_max != 0 || seconds_max == 0) return runs >= runs_max;
        return Clock::now() >= end;
    };
    std::uint64_t runs = 0;
    for (; !is_enough(runs); ++runs) {
        // Most runs start anew from the corpus; the others go on from where the last one went.
        if (mutator.below(4) != 0) input = corpus[mutator.below(corpus.size())];
        mutator.mutate(input, corpus[mutator.below(corpus.size())]);
        run(input);
    }
    std::fprintf(stderr, "%zu inputs replayed, %llu mutations with seed %llu\n", corpus.size(),
                 static_cast<unsigned long long>(runs), static_cast<unsigned long long>(seed));
}
