// Tells the service manager (systemd) how the server is doing, in the protocol of sd_notify(3).
// Without NOTIFY_SOCKET in the environment nothing is told. The main thread waits here, so that it
// shows its signs of life itself.
#pragma once

#include <chrono>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <string>

#include <poll.h>

#include <boost/thread/synchronized_value.hpp>

namespace berth::server {

class ServiceManager {
public:
    /// Finds out from the environment whether and how often signs of life are expected.
    ServiceManager();
    ServiceManager(const ServiceManager&) = delete;
    ServiceManager& operator=(const ServiceManager&) = delete;

    // --- any thread; `status` is a line for people

    /// The server has started, or has finished rereading its files.
    void serving(const std::string& status) const;
    void rereading() const;
    void stopping() const;

    // --- the main thread

    /// Signs of life are given from now on, while `works` returns true. It may wait a little.
    void show_life_while(std::function<bool()> works);
    /// From now on the status ends with what `trouble` says, a part of a sentence; empty: nothing.
    /// It is asked every few seconds.
    void show_trouble(std::function<std::string()> trouble);

    using Patience = std::optional<std::chrono::milliseconds>;
    /// poll(2); without patience it waits for ever. Meanwhile signs of life are given when they are
    /// due. Returns what poll returns.
    int wait(std::span<pollfd> awaited, Patience patience);

private:
    using Clock = std::chrono::steady_clock;

    void tell(const std::string& message) const;
    void show_life();
    void look_for_trouble();
    [[nodiscard]] std::string status_now() const;

    struct Status {
        std::string text;
        std::string trouble;
    };
    mutable boost::synchronized_value<Status, std::mutex> status_;
    std::function<std::string()> trouble_;
    Clock::time_point next_look_ = Clock::time_point::max();
    Clock::duration between_signs_{};  ///< 0: none are expected
    Clock::time_point next_sign_ = Clock::time_point::max();
    std::function<bool()> works_;
    bool has_failed_ = false;
};

}  // namespace berth::server
