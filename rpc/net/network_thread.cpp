#include "rpc/net/network_thread.hpp"

#include <algorithm>
#include <array>
#include <future>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "rpc/batch.hpp"
#include "rpc/net/tcp_connection.hpp"
#include "rpc/net/watchdog.hpp"
#include "rpc/peer_log.hpp"
#include "rpc/threads/start.hpp"

namespace berth::rpc::net {

namespace {

// A section that took longer than this was too slow.
constexpr std::chrono::microseconds slow{250};
// While a replaced thread is still blocked, this many calls run on workers between two checks.
constexpr unsigned calls_between_questions = 64;
// A thread that only waits for a processor gets some patience: another would wait as well.
constexpr unsigned looks_at_running_max = 5;
constexpr std::chrono::milliseconds between_asking{10};
constexpr std::size_t spare_exchanges_least = 8;
constexpr std::size_t spare_exchanges_most = 256;

thread_local bool taken_over_from = false;

// Whether a thread runs or is runnable. If /proc can't tell, the thread counts as sleeping.
bool is_running(pid_t thread) noexcept {
    std::array<char, 64> path{};
    *fmt::format_to_n(path.data(), path.size() - 1, "/proc/self/task/{}/stat", thread).out = 0;
    const int file = ::open(path.data(), O_RDONLY | O_CLOEXEC);
    if (file < 0) return false;
    std::array<char, 128> text{};
    const auto size = ::read(file, text.data(), text.size());
    ::close(file);
    // "ID (name) S ...": the name may contain anything.
    const std::string_view stat{text.data(), static_cast<std::size_t>(std::max(size, ssize_t{0}))};
    const auto end_of_name = stat.rfind(") ");
    return end_of_name != std::string_view::npos && end_of_name + 2 < stat.size() &&
           stat[end_of_name + 2] == 'R';
}

}  // namespace

NetworkThread::NetworkThread(unsigned number, BlockPool& blocks, Watchdog& watchdog,
                             std::size_t spare_bytes_max)
    : number_(number),
      blocks_(blocks),
      watchdog_(watchdog),
      spare_exchanges_max_(std::clamp<std::size_t>(spare_bytes_max / Exchange::spare_bytes_max,
                                                   spare_exchanges_least, spare_exchanges_most)) {}

NetworkThread::~NetworkThread() {
    stop();
    waiting_for_memory_.clear();
    connections.clear();
}

void NetworkThread::start() {
    thread_ = threads::start([this] { run(); });
}

void NetworkThread::run() {
    threads::name_this_thread("net-" + std::to_string(number_));
    thread_id_.store(::gettid(), std::memory_order_relaxed);
    while (!context_.stopped()) {
        try {
            take_turn();
        } catch (const TakenOver&) {  // is_taken_over() reports it too
        } catch (const std::exception& error) {
            error_often("a network handler failed: {}", error.what());
        }
        if (taken_over_from) {
            former_is_blocked_.store(false, std::memory_order_release);
            return;
        }
    }
}

bool NetworkThread::is_taken_over() noexcept {
    return taken_over_from;
}

// While something is kept, what comes within a moment belongs to the same batch.
void NetworkThread::take_turn() {
    Batch batch;
    context_.run_one();
    while (batch.keeps() && context_.run_one_for(Batch::moment) > 0) continue;
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
    if (spare_.size() == spare_exchanges_max_) return;
    if (spare_.capacity() == 0) spare_.reserve(spare_exchanges_max_);
    spare_.push_back(std::move(exchange));
}

void NetworkThread::wait_for_memory(std::shared_ptr<TcpConnection> connection) {
    waiting_for_memory_.push_back(std::move(connection));
    if (waiting_for_memory_.size() > 1) return;
    asking_again_.expires_after(between_asking);
    asking_again_.async_wait([this](const auto& error) {
        if (!error) ask_again();
    });
}

void NetworkThread::ask_again() {
    const auto waiting = std::exchange(waiting_for_memory_, {});
    for (const auto& connection : waiting) connection->ask_again();
}

void NetworkThread::end_idle_after(std::chrono::seconds idle_max) {
    if (idle_max.count() == 0 || std::exchange(is_looking_for_idle_, true)) return;
    constexpr std::chrono::milliseconds between_looks_max{15'000};
    looking_for_idle_.expires_after(
        std::min(std::chrono::milliseconds{idle_max} / 4, between_looks_max));
    looking_for_idle_.async_wait([this, idle_max](const auto& error) {
        if (!error) look_for_idle(idle_max);
    });
}

void NetworkThread::look_for_idle(std::chrono::seconds idle_max) {
    is_looking_for_idle_ = false;
    const std::vector all(connections.begin(), connections.end());
    for (const auto& connection : all) connection->end_if_idle(idle_max);
    if (!connections.empty()) end_idle_after(idle_max);
}

bool NetworkThread::may_enter() noexcept {
    if (calls_until_next_section_ == 0) return true;
    --calls_until_next_section_;
    // At most one replaced thread may be blocked.
    if (calls_until_next_section_ == 0 && former_is_blocked_.load(std::memory_order_acquire))
        calls_until_next_section_ = calls_between_questions;
    return false;
}

std::uint64_t NetworkThread::enter(Guarded& running) noexcept {
    const auto section = section_.load(std::memory_order_relaxed) + 1;
    running_ = &running;
    entered_at_ = std::chrono::steady_clock::now();
    section_.store(section);
    watchdog_.be_awake();
    return section;
}

bool NetworkThread::leave(std::uint64_t section) noexcept {
    if (!section_.compare_exchange_strong(section, section + 1)) {
        taken_over_from = true;
        return false;
    }
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
        successor = threads::start([this, decided = takes_over.get_future()]() mutable {
            if (decided.get()) run();
        });
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
    // There is no network thread now, so its members are ours until the next one starts.
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
