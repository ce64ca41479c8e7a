#include "tests/spec/vectors.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <sstream>
#include <stdexcept>

namespace berth::spec {

namespace {

std::string output_of(const std::string& command) {
    std::FILE* pipe = ::popen(command.c_str(), "r");
    if (pipe == nullptr) throw std::runtime_error{"can't run: " + command};
    std::string output;
    std::array<char, 65536> piece{};
    while (const auto size = std::fread(piece.data(), 1, piece.size(), pipe))
        output.append(piece.data(), size);
    if (::pclose(pipe) != 0) throw std::runtime_error{"failed: " + command};
    return output;
}

std::vector<Words> words_of(const std::string& output) {
    std::vector<Words> lines;
    std::istringstream in{output};
    for (std::string line; std::getline(in, line);) {
        Words words;
        std::istringstream rest{line};
        for (std::string word; std::getline(rest, word, ' ');) words.push_back(word);
        lines.push_back(std::move(words));
    }
    return lines;
}

}  // namespace

const std::vector<Words>& ask(const std::string& arguments) {
    static std::map<std::string, std::vector<Words>> answers;
    auto [answer, is_new] = answers.try_emplace(arguments);
    if (is_new) {
        answer->second = words_of(
            output_of("python3 '" BERTH_SOURCE_DIR "/tests/spec/vectors.py' " + arguments));
    }
    return answer->second;
}

const std::vector<Words>& listed(std::string_view file, std::string_view what) {
    return ask(std::string{file} + " --list " + std::string{what});
}

bool is_served(const Specification& specification, std::string_view procedure) {
    return std::ranges::find(specification.procedures, procedure, &ProcedureLine::name) !=
           specification.procedures.end();
}

std::uint64_t seed() {
    static const std::uint64_t chosen = [] {
        const char* given = std::getenv("BERTH_SEED");
        return given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
    }();
    return chosen;
}

std::vector<Vector> vectors(const Specification& specification, std::string_view how) {
    const char* is_long = std::getenv("LONG_TESTS");
    const auto* count = is_long != nullptr && *is_long != '\0' ? "320" : "32";
    std::set<std::string_view> types;
    for (const auto& line : specification.types) types.insert(line.name);
    // Procedures also take and give types that no file defines: void, bool, unsigned, string.
    if (!specification.procedures.empty()) {
        for (const auto& words : listed(specification.file, "procedures")) {
            if (is_served(specification, words.at(3))) types.insert({words.at(4), words.at(5)});
        }
    }

    std::string arguments{specification.file};
    for (const auto type : types) arguments += ' ' + std::string{type};
    arguments += std::string{" --count "} + count + " --seed " + std::to_string(seed()) + ' ' +
                 std::string{how};
    std::vector<Vector> made;
    for (const auto& words : ask(arguments)) {
        Vector vector{.type = words.at(0), .bytes = {}, .fault = {}, .path = {}};
        if (words.size() > 1) vector.bytes = test::bytes_of_hex(words[1]);
        if (words.size() > 3) vector.fault = words[3];
        if (words.size() > 4) vector.path = words[4];
        made.push_back(std::move(vector));
    }
    return made;
}

}  // namespace berth::spec
