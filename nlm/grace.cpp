#include "nlm/grace.hpp"

#include <spdlog/spdlog.h>

namespace berth::nlm {

Grace::Grace(std::chrono::seconds duration, Awaited awaited, Now now)
    : duration_(duration),
      now_(std::move(now)) {
    begin(std::move(awaited));
}

void Grace::begin(Awaited awaited) {
    auto period = period_.synchronize();
    period->awaited.clear();
    for (auto& host : awaited.hosts) period->awaited.emplace(std::move(host), std::nullopt);
    period->may_lack_some = awaited.may_lack_some;
    period->end = now_() + duration_;
    is_on_ = period->is_anybody_awaited() && duration_.count() > 0;
    if (!is_on_) return;
    if (period->may_lack_some)
        spdlog::warn("locks: some clients that had locks before the restart may be "
                     "unknown; all clients have {} s to reclaim locks; new locks "
                     "wait, reads and writes do not",
                     duration_.count());
    else
        spdlog::info("locks: {} client(s) had locks before the restart and have {} s to reclaim "
                     "them; new locks wait, reads and writes do not",
                     period->awaited.size(), duration_.count());
}

void Grace::impose(std::chrono::seconds duration) {
    auto period = period_.synchronize();
    period->awaited.clear();
    period->may_lack_some = true;
    period->end = now_() + duration;
    is_on_ = duration.count() > 0;
    spdlog::warn("locks: a grace period of {} s is imposed; new locks wait", duration.count());
}

bool Grace::is_on() {
    if (!is_on_.load(std::memory_order_acquire)) return false;
    auto period = period_.synchronize();
    if (!is_on_) return false;
    const auto now = now_();
    std::erase_if(period->awaited, [&](const auto& entry) {
        return entry.second && now - *entry.second >= silence;
    });
    if (now < period->end && period->is_anybody_awaited()) return true;
    is_on_.store(false, std::memory_order_release);
    if (!period->is_anybody_awaited())
        spdlog::info("locks: every client has reclaimed; new locks are taken");
    else if (period->may_lack_some)
        spdlog::info("locks: the time to reclaim is over; new locks are taken");
    else
        spdlog::info("locks: the time to reclaim is over; {} client(s) have not",
                     period->awaited.size());
    return false;
}

void Grace::heard_of(const Host& host) {
    auto period = period_.synchronize();
    if (const auto found = period->awaited.find(host); found != period->awaited.end())
        found->second = now_();
}

void Grace::not_awaited(const Host& host) {
    auto period = period_.synchronize();
    period->awaited.erase(host);
}

}  // namespace berth::nlm
