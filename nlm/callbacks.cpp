#include "nlm/callbacks.hpp"

#include <algorithm>

namespace berth::nlm {

void Callbacks::end() {
    {
        const std::lock_guard guard{lock_};
        is_stopping_ = true;
    }
    changed_.notify_all();
    for (auto& thread : threads_) thread.join();
    threads_.clear();
}

void Callbacks::start(unsigned threads) {
    running_ = threads;
    for (unsigned n = 0; n < threads; ++n) threads_.emplace_back([this] { run(); });
}

bool Callbacks::stop(std::chrono::milliseconds patience) {
    std::unique_lock held{lock_};
    is_stopping_ = true;
    changed_.notify_all();
    return changed_.wait_for(held, patience, [this] { return running_ == 0; });
}

void Callbacks::post(Callback callback) {
    const std::lock_guard guard{lock_};
    auto& line = lines_[{callback.path.client, callback.program.number}];
    if (line.posted.size() >= line_callbacks_max) return;
    const auto now = Clock::now();
    line.posted.push_back({std::move(callback), now});
    line.due = std::min(line.due, now);
    line.pause = first_pause;
    changed_.notify_one();
}

Callbacks::Lines::iterator Callbacks::due_line(Clock::time_point now) {
    return std::ranges::find_if(lines_, [&](const auto& entry) {
        return !entry.second.is_busy && entry.second.due <= now;
    });
}

std::optional<Callbacks::Clock::time_point> Callbacks::next_due() const {
    std::optional<Clock::time_point> next;
    for (const auto& [key, line] : lines_)
        if (!line.is_busy && (!next || line.due < *next)) next = line.due;
    return next;
}

bool Callbacks::attempt(Callback& callback) {
    auto client = connect_(callback.path, callback.program);
    if (!client && callback.any_transport) {
        auto other = callback.path;
        other.transport =
            other.transport == rpc::Transport::tcp ? rpc::Transport::udp : rpc::Transport::tcp;
        client = connect_(other, callback.program);
    }
    return client && callback.attempt(*client);
}

std::optional<Callbacks::Clock::time_point> Callbacks::run_one(Clock::time_point now) {
    std::unique_lock held{lock_};
    const auto found = due_line(now);
    if (found == lines_.end()) return next_due();
    auto& line = found->second;
    auto posted = std::move(line.posted.front());
    line.posted.pop_front();
    line.is_busy = true;
    held.unlock();

    const auto& patience = posted.callback.patience;
    const bool is_over = patience && now - posted.since > *patience;
    if (is_over) posted.callback.given_up();
    const bool is_done = is_over || !posted.callback.is_wanted() || attempt(posted.callback);

    held.lock();
    line.is_busy = false;
    if (is_done) {
        line.pause = first_pause;
        line.due = now;
        if (line.posted.empty()) lines_.erase(found);
    } else {
        // It goes to the end: what follows may be wanted by somebody who answers.
        line.posted.push_back(std::move(posted));
        line.due = now + line.pause;
        line.pause = std::min(line.pause * 2, longest_pause);
    }
    return next_due();
}

void Callbacks::run() {
    std::unique_lock held{lock_};
    while (!is_stopping_) {
        const auto due = next_due();
        if (!due) {
            changed_.wait(held);
        } else if (*due > Clock::now()) {
            changed_.wait_until(held, *due);
        } else {
            held.unlock();
            run_one(Clock::now());
            held.lock();
            changed_.notify_one();
        }
    }
    --running_;
    changed_.notify_all();
}

}  // namespace berth::nlm
