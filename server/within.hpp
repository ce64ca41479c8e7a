// Limits how long to wait for file systems that may never answer.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace berth::server {

/// Runs `work` on a thread of its own. False: it did not return within `patience`, in which case it
/// goes on by itself; or so many earlier ones have not returned that there is no thread for it, and
/// it never runs. It owns what it uses. Throws what it throws.
[[nodiscard]] bool run_within(std::chrono::milliseconds patience, std::function<void()> work);

/// The same with a result; empty: it has not returned.
template <class Work>
auto within(std::chrono::milliseconds patience, Work work)
    -> std::optional<std::invoke_result_t<Work>> {
    auto result = std::make_shared<std::optional<std::invoke_result_t<Work>>>();
    if (!run_within(patience, [result, work = std::move(work)]() mutable { *result = work(); }))
        return std::nullopt;
    return std::move(*result);
}

}  // namespace berth::server
