#include "nlm/grace.hpp"

#include <algorithm>

#include <spdlog/spdlog.h>

namespace berth::nlm {

Grace::Grace(std::chrono::seconds duration, std::vector<Host> awaited, Now now)
    : duration_(duration),
      now_(std::move(now)) {
    begin(std::move(awaited));
}

void Grace::begin(std::vector<Host> awaited) {
    const std::lock_guard guard{lock_};
    awaited_.clear();
    for (auto& host : awaited) awaited_.emplace(std::move(host), std::nullopt);
    end_ = now_() + duration_;
    is_on_ = !awaited_.empty() && duration_.count() > 0;
    if (is_on_)
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
    if (now < end_ && !awaited_.empty()) return true;
    is_on_.store(false, std::memory_order_release);
    if (awaited_.empty())
        spdlog::info("locks: every client has reclaimed; new locks are taken");
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
