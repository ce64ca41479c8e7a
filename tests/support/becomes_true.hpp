// Waiting for what others bring about without telling.
#pragma once

#include <chrono>
#include <thread>

#include "tests/support/gate.hpp"

namespace berth::test {

/// Looks again and again until it is true.
template <class Condition>
bool becomes_true(Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        std::this_thread::yield();
    }
    return true;
}

}  // namespace berth::test
