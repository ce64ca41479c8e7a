// Ends the process if shutting it down takes too long: closing a file may wait for a file system
// that does not answer.
#pragma once

#include <chrono>
#include <functional>

#include "rpc/threads/background.hpp"

namespace berth::server {

/// To be made before anything that may take long to destroy.
class LastResort {
public:
    /// Calls `act`, which does not return, unless this object is destroyed within `patience`.
    void arm(std::chrono::milliseconds patience, std::function<void()> act);

private:
    threads::Background thread_;
};

}  // namespace berth::server
