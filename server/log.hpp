// The log: stderr, one line an event, for people or for machines.
#pragma once

#include <string>

#include "server/options.hpp"

namespace berth::server {

/// Makes spdlog's default logger what the options say.
void set_up_log(const std::string& level, LogFormat format);

}  // namespace berth::server
