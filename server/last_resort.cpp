#include "server/last_resort.hpp"

#include <condition_variable>
#include <mutex>
#include <system_error>
#include <utility>

#include <spdlog/spdlog.h>

namespace berth::server {

void LastResort::arm(std::chrono::milliseconds patience, std::function<void()> act) {
    try {
        thread_ =
            threads::Background{"end", [patience, act = std::move(act)](const auto& stop) {
                                    std::mutex lock;
                                    std::unique_lock held{lock};
                                    std::condition_variable_any asked;
                                    asked.wait_for(held, stop, patience, [] { return false; });
                                    if (!stop.stop_requested()) act();
                                }};
    } catch (const std::system_error& error) {
        spdlog::warn("files are closed for however long that takes: {}", error.what());
    }
}

}  // namespace berth::server
