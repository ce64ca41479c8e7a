#include "server/sweeper.hpp"

#include <algorithm>
#include <string>
#include <system_error>
#include <tuple>

#include <spdlog/spdlog.h>

namespace berth::server {
namespace {

constexpr std::chrono::seconds between_sweeps{1};
constexpr std::chrono::seconds hang_time{2};

}  // namespace

Sweeper::Sweeper(const exports::Exports& exports, rpc::Budget& budget)
    : exports_(exports),
      budget_(budget) {
    const std::scoped_lock held{lock_};
    threads_.reserve(threads_max);
    for (int i = 0; i < 2; ++i) add_thread();
}

Sweeper::~Sweeper() {
    std::ignore = stop(std::chrono::milliseconds{0});
}

void Sweeper::add_thread() {
    const auto number = threads_.size();
    threads_.emplace_back("sweep-" + std::to_string(number),
                          [this, number](const std::stop_token& stop) { run(stop, number); });
}

void Sweeper::run(const std::stop_token& stop, std::size_t number) {
    std::unique_lock held{lock_};
    for (;;) {
        changed_.wait_for(held, stop, between_sweeps, [] { return false; });
        if (stop.stop_requested()) return;
        if (!is_to_sweep(number)) continue;
        held.unlock();
        sweep_all(number);
        held.lock();
    }
}

// Needs the lock. The last thread takes over from one that hangs, and adds a successor if there may
// be one more.
bool Sweeper::is_to_sweep(std::size_t number) {
    if (number == sweeping_) return true;
    const bool hangs = began_at_ && Clock::now() - *began_at_ >= hang_time;
    if (!hangs || number + 1 != threads_.size() || is_ending_) return false;
    sweeping_ = number;
    began_at_.reset();
    if (threads_.size() == threads_max) return true;
    try {
        add_thread();
    } catch (const std::system_error& error) {
        spdlog::warn("can't start a second sweeping thread, should this one hang: {}",
                     error.what());
    }
    return true;
}

void Sweeper::sweep_all(std::size_t number) {
    budget_.tidy();
    exports_.sweep();
    // Does not keep the table pinned: a file system that hangs would keep it from being replaced.
    std::vector<std::shared_ptr<vfs::FileSystem>> all;
    {
        const auto table = exports_.pin(this);
        for (const auto& exported : table->all()) all.push_back(exported.files);
    }
    for (const auto& files : all) {
        {
            const std::scoped_lock held{lock_};
            if (sweeping_ != number) return;
            if (!under_way_.insert(files.get()).second) continue;
            began_at_ = Clock::now();
        }
        sweep(files);
        const std::scoped_lock held{lock_};
        under_way_.erase(files.get());
        if (sweeping_ == number) began_at_.reset();
    }
}

void Sweeper::sweep(const std::shared_ptr<vfs::FileSystem>& files) {
    try {
        files->sweep();
        if (const auto trouble = files->trouble()) spdlog::error("{}", *trouble);
    } catch (const std::exception& error) {
        spdlog::error("sweeping an export failed: {}", error.what());
    }
}

bool Sweeper::stop(std::chrono::milliseconds patience) {
    std::vector<threads::Background*> all;
    {
        const std::scoped_lock held{lock_};
        is_ending_ = true;  // so that no threads are added from here on
        for (auto& thread : threads_) all.push_back(&thread);
    }
    for (auto* const thread : all) thread->ask_to_stop();
    const auto until = Clock::now() + patience;
    const auto left = [&] {
        return std::max(
            std::chrono::milliseconds{0},
            std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now()));
    };
    return std::ranges::all_of(all, [&](auto* thread) { return thread->stop(left()); });
}

}  // namespace berth::server
