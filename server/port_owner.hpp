// Finds the program that has a port, for messages. A plain function that reads /proc.
#pragma once

#include <string>

#include "rpc/server.hpp"

namespace berth::server {

/// "rpcbind (pid 612)": the program of this machine whose socket is in the way of this binding.
/// If no program has it, says what may. Empty: nothing is in the way.
[[nodiscard]] std::string owner_of_port(const rpc::Server::Binding& wanted);

}  // namespace berth::server
