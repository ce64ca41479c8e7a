#include "rpc/threads/background.hpp"

#include <condition_variable>
#include <exception>
#include <mutex>
#include <utility>

#include <spdlog/spdlog.h>

#include "rpc/threads/start.hpp"

namespace berth::threads {
namespace {

constexpr std::chrono::seconds pause_after_failure{1};

}  // namespace

struct Background::Ending {
    std::condition_variable changed;
    std::mutex lock;
    // Guarded by lock:
    bool is_over = false;
};

Background::Background(std::string name, Work work) : ending_(std::make_shared<Ending>()) {
    thread_ = start<std::jthread>([ending = ending_, name = std::move(name),
                                   work = std::move(work)](const std::stop_token& stop) {
        name_this_thread(name);
        run(stop, name, work);
        const std::scoped_lock held{ending->lock};
        ending->is_over = true;
        ending->changed.notify_all();
    });
}

void Background::run(const std::stop_token& stop, const std::string& name, const Work& work) {
    while (!stop.stop_requested()) {
        try {
            work(stop);
            return;
        } catch (const std::exception& error) {
            spdlog::error("{}: {}; it is started again", name, error.what());
        }
        std::mutex lock;
        std::unique_lock held{lock};
        std::condition_variable_any asked;
        asked.wait_for(held, stop, pause_after_failure, [] { return false; });
    }
}

Background& Background::operator=(Background&& other) noexcept {
    // Like std::jthread: asks, waits, and only then takes over.
    thread_ = std::move(other.thread_);
    ending_ = std::move(other.ending_);
    return *this;
}

Background::~Background() = default;

void Background::ask_to_stop() noexcept {
    thread_.request_stop();
}

bool Background::stop(std::chrono::milliseconds patience) {
    ask_to_stop();
    return await_end(patience);
}

bool Background::await_end(std::chrono::milliseconds patience) {
    if (!thread_.joinable()) return true;
    std::unique_lock held{ending_->lock};
    return ending_->changed.wait_for(held, patience, [this] { return ending_->is_over; });
}

void Background::leave() noexcept {
    if (thread_.joinable()) thread_.detach();
}

}  // namespace berth::threads
