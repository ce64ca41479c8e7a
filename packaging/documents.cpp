// Prints what is made from the tables of commands and options, for the installation and README.md:
// berth-documents
// berth.8|berth-exports.5|berth.toml.5|berth-faults.5|berth.toml|bash|zsh|fish|options
#include "packaging/documents.hpp"

#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <string>
#include <string_view>

namespace {

struct Document {
    std::string_view name;
    std::string (*text)();
};

constexpr Document documents[] = {
    {"berth.8", berth::packaging::manual_of_program},
    {"berth-exports.5", berth::packaging::manual_of_exports},
    {"berth.toml.5", berth::packaging::manual_of_config},
    {"berth-faults.5", berth::packaging::manual_of_faults},
    {"berth.toml", berth::packaging::example_config},
    {"bash", berth::packaging::bash_completion},
    {"zsh", berth::packaging::zsh_completion},
    {"fish", berth::packaging::fish_completion},
    {"options", berth::packaging::readme_options},
};

}  // namespace

int main(int argc, char** argv) {
    for (const auto& document : documents) {
        if (argc != 2 || document.name != argv[1]) continue;
        std::fputs(document.text().c_str(), stdout);
        return std::fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
    }
    std::fputs("usage: berth-documents DOCUMENT, of:", stderr);
    for (const auto& document : documents) std::fprintf(stderr, " %s", document.name.data());
    std::fputs("\n", stderr);
    return 2;
}
