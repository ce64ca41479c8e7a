// Takes the values of options. Each function returns what was expected instead of the value; an
// empty text if it was good. Plain functions.
#pragma once

#include <string>

#include "server/options.hpp"

namespace berth::server::commands {

std::string take_directory(CommandLine& into, const std::string& value);
std::string take_client(CommandLine& into, const std::string& value);
std::string take_exports(CommandLine& into, const std::string& value);
std::string take_memory(CommandLine& into, const std::string& value);
std::string take_read_only(CommandLine& into, const std::string& value);
std::string take_squash(CommandLine& into, const std::string& value);
std::string take_anonymous(CommandLine& into, const std::string& value);
std::string take_user_map(CommandLine& into, const std::string& value);
std::string take_group_map(CommandLine& into, const std::string& value);
std::string take_sync(CommandLine& into, const std::string& value);
std::string take_async(CommandLine& into, const std::string& value);
std::string take_listen(CommandLine& into, const std::string& value);
std::string take_portmap(CommandLine& into, const std::string& value);
std::string take_manage_gids(CommandLine& into, const std::string& value);
std::string take_threads(CommandLine& into, const std::string& value);
std::string take_workers(CommandLine& into, const std::string& value);
std::string take_memory_max(CommandLine& into, const std::string& value);
std::string take_connections_max(CommandLine& into, const std::string& value);
std::string take_idle_max(CommandLine& into, const std::string& value);
std::string take_state(CommandLine& into, const std::string& value);
std::string take_grace(CommandLine& into, const std::string& value);
std::string take_no_grace(CommandLine& into, const std::string& value);
std::string take_fault(CommandLine& into, const std::string& value);
std::string take_fault_file(CommandLine& into, const std::string& value);
std::string take_config(CommandLine& into, const std::string& value);
std::string take_log_level(CommandLine& into, const std::string& value);
std::string take_log_format(CommandLine& into, const std::string& value);

std::string take_file(CommandLine& into, const std::string& value);
std::string take_explained_client(CommandLine& into, const std::string& value);
std::string take_explained_path(CommandLine& into, const std::string& value);
std::string take_rule(CommandLine& into, const std::string& value);
std::string take_imposed_grace(CommandLine& into, const std::string& value);
std::string take_rule_name(CommandLine& into, const std::string& value);
std::string take_state_of_server(CommandLine& into, const std::string& value);
std::string take_released_client(CommandLine& into, const std::string& value);
std::string take_topic(CommandLine& into, const std::string& value);

}  // namespace berth::server::commands
