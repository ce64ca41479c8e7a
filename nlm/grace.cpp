#include "nlm/grace.hpp"

#include <spdlog/spdlog.h>

namespace berth::nlm {

Grace::Grace(std::chrono::seconds duration, Awaited awaited, Now now)
    : duration_(duration),
      now_(std::move(now)) {
    begin(std::move(awaited));
}

void Grace::begin(Awaited awaited) {
    const std::lock_guard guard{lock_};
    awaited_.clear();
    for (auto& host : awaited.hosts) awaited_.emplace(std::move(host), std::nullopt);
    may_lack_some_ = awaited.may_lack_some;
    end_ = now_() + duration_;
    is_on_ = is_anybody_awaited() && duration_.count() > 0;
    if (!is_on_) return;
    if (may_lack_some_)
        spdlog::warn("locks: some clients that had locks before the restart may be "
                     "unknown; all clients have {} s to reclaim locks; new locks "
                     "wait, reads and writes do not",
                     duration_.count());
    else
        spdlog::info("locks: {} client(s) had locks before the restart and have {} s to reclaim "
                     "them; new locks wait, reads and writes do not",
                     awaited_.size(), duration_.count());
}

bool Grace::is_on() {
    if (!is_on_.load(std::memory_order_acquire)) return false;
    const std::lock_guard guard{lock_};
    if (!is_on_) return false;
    const auto now = now_();
    std::erase_if(awaited_, [&](const auto& entry) {
        return entry.second && now - *entry.second >= silence;
    });
    if (now < end_ && is_anybody_awaited()) return true;
    is_on_.store(false, std::memory_order_release);
    if (!is_anybody_awaited())
        spdlog::info("locks: every client has reclaimed; new locks are taken");
    else if (may_lack_some_)
        spdlog::info("locks: the time to reclaim is over; new locks are taken");
    else
        spdlog::info("locks: the time to reclaim is over; {} client(s) have not", awaited_.size());
    return false;
}

void Grace::heard_of(const Host& host) {
    const std::lock_guard guard{lock_};
    if (const auto found = awaited_.find(host); found != awaited_.end()) found->second = now_();
}

void Grace::not_awaited(const Host& host) {
    const std::lock_guard guard{lock_};
    awaited_.erase(host);
}

}  // namespace berth::nlm
