#include "server/sweeper.hpp"

#include <utility>

#include <spdlog/spdlog.h>

namespace berth::server {

Sweeper::Sweeper(std::vector<std::shared_ptr<vfs::posix::FileSystem>> directories)
    : directories_(std::move(directories)),
      thread_([this] { run(); }) {}

Sweeper::~Sweeper() {
    {
        const std::scoped_lock held{lock_};
        stopping_ = true;
    }
    changed_.notify_all();
    thread_.join();
}

void Sweeper::run() {
    constexpr std::chrono::seconds between_sweeps{1};
    std::unique_lock held{lock_};
    while (!changed_.wait_for(held, between_sweeps, [this] { return stopping_; })) {
        held.unlock();
        for (const auto& directory : directories_) {
            directory->sweep();
            if (const auto trouble = directory->trouble()) spdlog::error("{}", *trouble);
        }
        held.lock();
    }
    ended_ = true;
    changed_.notify_all();
}

bool Sweeper::stop(std::chrono::milliseconds patience) {
    std::unique_lock held{lock_};
    stopping_ = true;
    changed_.notify_all();
    return changed_.wait_for(held, patience, [this] { return ended_; });
}

}  // namespace berth::server
