// What the command line, the environment and the configuration file say: texts, with the place of
// each for messages.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "server/commands/table.hpp"

namespace berth::server::commands {

struct Value {
    std::string text;
    std::string place;        ///< "--anon 5", "BERTH_ANON=5", "/etc/berth/berth.toml:3: anon"
    std::string source = {};  ///< the same without the value: "/etc/berth/berth.toml:3"
};

/// By the name of the option.
using Given = std::map<std::string_view, std::vector<Value>>;

/// The variables of the environment that are options of this command; several values of one are
/// separated by commas. Throws UsageError for an empty variable: whoever wrote it meant something,
/// and the default may be wider.
Given given_by_environment(const Row& row);

/// A sentence for each variable of the environment that begins as ours do and is none of them.
/// Those that Kubernetes and Docker set for a service called berth are left out.
std::vector<std::string> unknown_variables();

/// Adds what `weaker` says about options of which `stronger` says nothing, and nothing of their
/// opposites.
void add_weaker(Given& stronger, const Given& weaker, const Row& row);

/// Has the options take their values. Throws UsageError with the place of a wrong one.
void take(const Given& given, const Row& row, CommandLine& into);

}  // namespace berth::server::commands
