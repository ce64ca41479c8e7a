#include "server/sweeper.hpp"

#include <spdlog/spdlog.h>

namespace berth::server {

Sweeper::Sweeper(const vfs::Exports& exports) : exports_(exports), thread_([this] { run(); }) {}

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
        exports_.sweep();
        {
            const auto table = exports_.pin(this);
            for (const auto& exported : table->all()) {
                exported.files->sweep();
                if (const auto trouble = exported.files->trouble()) spdlog::error("{}", *trouble);
            }
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
