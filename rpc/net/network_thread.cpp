#include "rpc/net/network_thread.hpp"

#include <algorithm>
#include <array>
#include <future>
#include <string_view>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "rpc/net/tcp_connection.hpp"
#include "rpc/net/watch.hpp"

namespace berth::rpc::net {

namespace {

// A section that took longer was not as quick as it should have been.
constexpr std::chrono::microseconds slow{250};
// While a thread that has been taken over from is still blocked, so many calls run on workers
// before the next look at it.
constexpr unsigned calls_between_questions = 64;
// A thread that only waits for a processor is worth some patience: another would wait as well.
constexpr unsigned looks_at_running_max = 5;

// Whether a thread runs, or could. Where /proc can't tell, it is taken for one that sleeps.
bool is_running(pid_t thread) noexcept {
    std::array<char, 64> path{};
    *fmt::format_to_n(path.data(), path.size() - 1, "/proc/self/task/{}/stat", thread).out = 0;
    const int file = ::open(path.data(), O_RDONLY | O_CLOEXEC);
    if (file < 0) return false;
    std::array<char, 128> text{};
    const auto size = ::read(file, text.data(), text.size());
    ::close(file);
    // "ID (name) S ...", and a name may hold anything.
    const std::string_view stat{text.data(), static_cast<std::size_t>(std::max(size, ssize_t{0}))};
    const auto end_of_name = stat.rfind(") ");
    return end_of_name != std::string_view::npos && end_of_name + 2 < stat.size() &&
           stat[end_of_name + 2] == 'R';
}

}  // namespace

NetworkThread::~NetworkThread() {
    stop();
    connections.clear();
}

void NetworkThread::start() {
    thread_ = std::thread{[this] { run(); }};
}

void NetworkThread::run() {
    thread_id_.store(::gettid(), std::memory_order_relaxed);
    for (;;) {
        try {
            context_.run();
            return;
        } catch (const TakenOver&) {
            former_is_blocked_.store(false, std::memory_order_release);
            return;
        } catch (const std::exception& error) {
            spdlog::error("something on the network failed: {}", error.what());
        }
    }
}

void NetworkThread::stop() {
    context_.stop();
    if (thread_.joinable()) thread_.join();
    if (former_.joinable()) former_.join();
}

ExchangePtr NetworkThread::take_exchange() {
    if (spare_.empty()) return std::make_unique<Exchange>(&blocks_);
    auto exchange = std::move(spare_.back());
    spare_.pop_back();
    return exchange;
}

void NetworkThread::give_exchange(ExchangePtr exchange) noexcept {
    exchange->reset();
    if (spare_.size() == spare_exchanges_max) return;
    if (spare_.capacity() == 0) spare_.reserve(spare_exchanges_max);
    spare_.push_back(std::move(exchange));
}

bool NetworkThread::may_enter() noexcept {
    if (calls_until_next_section_ == 0) return true;
    --calls_until_next_section_;
    // One blocked thread at a time.
    if (calls_until_next_section_ == 0 && former_is_blocked_.load(std::memory_order_acquire))
        calls_until_next_section_ = calls_between_questions;
    return false;
}

std::uint64_t NetworkThread::enter(Guarded& running) noexcept {
    const auto section = section_.load(std::memory_order_relaxed) + 1;
    running_ = &running;
    entered_at_ = std::chrono::steady_clock::now();
    section_.store(section);
    watch_.be_awake();
    return section;
}

bool NetworkThread::leave(std::uint64_t section) noexcept {
    if (!section_.compare_exchange_strong(section, section + 1)) return false;
    if (std::chrono::steady_clock::now() - entered_at_ > slow)
        calls_until_next_section_ = after_slow_.calls_after(section / 2);
    return true;
}

bool NetworkThread::look() {
    auto section = section_.load();
    const bool is_new = std::exchange(section_seen_, section) != section;
    if (is_new) looks_at_section_ = 0;
    if (is_new || section % 2 == 0) return is_new;
    if (++looks_at_section_ < looks_at_running_max && is_running(thread_id_)) return true;
    if (former_.joinable()) {
        if (former_is_blocked_.load(std::memory_order_acquire)) return true;
        former_.join();
    }
    take_over(section);
    return true;
}

void NetworkThread::take_over(std::uint64_t section) {
    std::promise<bool> takes_over;
    std::thread successor;
    try {
        successor = std::thread{[this, decided = takes_over.get_future()]() mutable {
            if (decided.get()) run();
        }};
    } catch (const std::system_error& error) {
        if (!std::exchange(is_told_, true))
            spdlog::warn("a file operation blocks, and no other thread can take over: {}",
                         error.what());
        return;
    }
    former_is_blocked_.store(true, std::memory_order_relaxed);
    if (!section_.compare_exchange_strong(section, section + 1)) {
        former_is_blocked_.store(false, std::memory_order_relaxed);
        takes_over.set_value(false);
        successor.join();
        return;
    }
    // Nobody is the network thread now, so its members are ours until the next one starts.
    spdlog::debug("a file operation blocks; another thread takes over");
    calls_until_next_section_ = after_blocked_.calls_after(section / 2);
    former_ = std::exchange(thread_, std::move(successor));
    running_->go_on();
    takes_over.set_value(true);
}

bool NetworkThread::is_in_section() const noexcept {
    return section_.load() % 2 != 0 || former_is_blocked_.load(std::memory_order_acquire);
}

}  // namespace berth::rpc::net
