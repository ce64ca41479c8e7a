// How a file system gets a thread of its own. The composition root decides how threads are named,
// guarded and stopped.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>

namespace berth::vfs {

/// Runs `work` on a new thread. Destroying the result asks the thread to stop and waits for it.
/// Work that throws is said in the log and called again. Throws std::system_error if there can be
/// no thread.
using StartThread = std::function<std::shared_ptr<void>(
    std::string name, std::function<void(const std::stop_token& stop)> work)>;

}  // namespace berth::vfs
