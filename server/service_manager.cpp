#include "server/service_manager.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <system_error>
#include <utility>

#include <spdlog/spdlog.h>
#include <systemd/sd-daemon.h>

namespace berth::server {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

/// After a failure the next sign comes sooner, so that one late answer is not the end.
constexpr std::chrono::seconds after_failure{1};

constexpr std::chrono::seconds between_looks{2};

std::string now_for_the_manager() {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    return std::to_string(std::chrono::duration_cast<microseconds>(now).count());
}

}  // namespace

ServiceManager::ServiceManager() {
    std::uint64_t interval = 0;
    if (::sd_watchdog_enabled(0, &interval) <= 0) return;
    constexpr std::uint64_t day_at_most = 86'400'000'000;
    between_signs_ = microseconds{std::min(interval, day_at_most) / 2};
}

void ServiceManager::serving(const std::string& status) const {
    status_.synchronize()->text = status;
    tell("READY=1\nSTATUS=" + status_now());
}

std::string ServiceManager::status_now() const {
    auto status = status_.synchronize();
    return status->text + (status->trouble.empty() ? "" : "; ") + status->trouble;
}

void ServiceManager::rereading() const {
    tell("RELOADING=1\nMONOTONIC_USEC=" + now_for_the_manager() + "\nSTATUS=reads its files again");
}

void ServiceManager::stopping() const {
    tell("STOPPING=1\nSTATUS=finishes calls in flight");
}

void ServiceManager::show_life_while(std::function<bool()> works) {
    works_ = std::move(works);
    if (between_signs_ > Clock::duration{}) next_sign_ = Clock::now();
}

void ServiceManager::show_trouble(std::function<std::string()> trouble) {
    trouble_ = std::move(trouble);
    if (std::getenv("NOTIFY_SOCKET") != nullptr) next_look_ = Clock::now();
}

void ServiceManager::look_for_trouble() {
    if (Clock::now() < next_look_) return;
    next_look_ = Clock::now() + between_looks;
    auto trouble = trouble_();
    {
        auto status = status_.synchronize();
        if (status->trouble == trouble) return;
        status->trouble = std::move(trouble);
    }
    tell("STATUS=" + status_now());
}

void ServiceManager::tell(const std::string& message) const {
    const int result = ::sd_notify(0, message.c_str());
    if (result < 0)
        spdlog::warn("the service manager can't be told \"{}\" ({}): NOTIFY_SOCKET leads nowhere",
                     message.substr(0, message.find('\n')),
                     std::generic_category().message(-result));
}

int ServiceManager::wait(std::span<pollfd> awaited, Patience patience) {
    const auto until = patience ? Clock::now() + *patience : Clock::time_point::max();
    for (;;) {
        show_life();
        look_for_trouble();
        const auto next = std::min({until, next_sign_, next_look_});
        int timeout_ms = -1;
        if (next != Clock::time_point::max()) {
            const auto left = std::chrono::ceil<milliseconds>(next - Clock::now());
            timeout_ms = static_cast<int>(std::max(left, milliseconds{0}).count());
        }
        const int count = ::poll(awaited.data(), awaited.size(), timeout_ms);
        if (count != 0 || Clock::now() >= until) return count;
    }
}

void ServiceManager::show_life() {
    if (Clock::now() < next_sign_) return;
    const bool works = works_();
    if (works) {
        tell("WATCHDOG=1");
    } else if (!std::exchange(has_failed_, true)) {
        spdlog::error("network threads do not answer; unless they do soon, the service manager "
                      "ends berth and starts it again");
    }
    if (works) has_failed_ = false;
    next_sign_ = Clock::now() + (works ? between_signs_
                                       : std::min<Clock::duration>(between_signs_, after_failure));
}

}  // namespace berth::server
