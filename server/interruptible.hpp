// Work of the main thread that a file system may block for ever: it runs on a thread of its own, so
// that the server can still be told to stop.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "server/service_manager.hpp"
#include "server/signals.hpp"

namespace berth::server {

/// Runs `work` and waits for it; throws what it throws. Returns SIGTERM or SIGINT if that comes
/// first. The work may then go on for as long as the process, which must end without waiting for it
/// (std::_Exit) and without destroying what it refers to. `busy_with`, called on this thread,
/// describes the work; that is logged once if it takes long.
[[nodiscard]] std::optional<int> run_interruptibly(Signals& signals, ServiceManager& manager,
                                                   const std::function<void()>& work,
                                                   const std::function<std::string()>& busy_with);

}  // namespace berth::server
