// Any text as exports(5): refused with a place in it, or a table that its own description makes
// again.
#include <algorithm>
#include <string>
#include <string_view>

#include "nfs/exports/file.hpp"
#include "tests/fuzz/support/expect.hpp"

namespace berth::fuzz {
namespace {

/// A path as exports(5) takes it, whatever its bytes.
std::string escaped(std::string_view path) {
    std::string text;
    for (const char c : path) {
        const auto value = static_cast<unsigned char>(c);
        text += '\\';
        for (const auto shift : {6, 3, 0}) text += static_cast<char>('0' + (value >> shift & 7));
    }
    return text;
}

void describe_and_parse(const exports::ListedExport& listed) {
    std::string text;
    for (const auto& rule : listed.clients) {
        // A path with its first '/' plain: an escaped one is the same, but nobody writes it.
        text += '/' + escaped(std::string_view{listed.path}.substr(1)) + ' ' + rule.client.text() +
                '(' + describe(rule) + ")\n";
    }
    const auto again = exports::parse_exports(text, "again");
    expect(again.problems.empty());
    expect(again.exports.size() == 1);
    const auto& found = again.exports.front();
    expect(found.path == listed.path);
    expect(std::ranges::equal(found.clients, listed.clients, [](const auto& a, const auto& b) {
        return a.client == b.client && a.sys == b.sys && a.none == b.none && a.offered == b.offered;
    }));
}

void parse(std::string_view text) {
    const auto list = exports::parse_exports(text, "fuzz");
    const auto lines = static_cast<std::size_t>(std::ranges::count(text, '\n')) + 1;
    for (const auto& problem : list.problems) {
        expect(problem.where.line >= 1 && problem.where.line <= lines);
        expect(problem.where.column >= 1 && problem.where.column <= text.size() + 1);
        expect(!problem.what.empty());
        expect(problem.text().find('\n') == std::string::npos);
    }
    for (const auto& listed : list.exports) {
        expect(!listed.clients.empty() || !list.problems.empty());
        if (!listed.clients.empty()) describe_and_parse(listed);
        for (const auto& rule : listed.clients)
            if (rule.client.kind == exports::ClientKind::wildcard)
                static_cast<void>(exports::matches_wildcard(rule.client.name, "node7.lab.example"));
    }
}

}  // namespace
}  // namespace berth::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    berth::fuzz::parse({reinterpret_cast<const char*>(data), size});
    return 0;
}
