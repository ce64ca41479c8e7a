#include "nlm/callbacks.hpp"

#include <algorithm>
#include <new>
#include <string>

namespace berth::nlm {

void Callbacks::end() {
    for (auto& thread : threads_) thread.ask_to_stop();
    threads_.clear();
}

void Callbacks::start(unsigned threads) {
    running_ = threads;
    for (unsigned n = 0; n < threads; ++n)
        threads_.emplace_back("call-" + std::to_string(n),
                              [this](const std::stop_token& stop) { run(stop); });
}

bool Callbacks::stop(std::chrono::milliseconds patience) {
    for (auto& thread : threads_) thread.ask_to_stop();
    const auto until = Clock::now() + patience;
    return std::ranges::all_of(threads_, [&](auto& thread) {
        const auto left = std::max(Clock::duration::zero(), until - Clock::now());
        return thread.stop(std::chrono::duration_cast<std::chrono::milliseconds>(left));
    });
}

void Callbacks::push(Line& line, Posted posted) {
    if (posted.callback.kind == Callback::Kind::grant) ++line.grants;
    if (posted.callback.kind == Callback::Kind::answer) ++answers_;
    line.posted.push_back(std::move(posted));
}

Callbacks::Posted Callbacks::pop(Line& line) {
    auto posted = std::move(line.posted.front());
    line.posted.pop_front();
    if (posted.callback.kind == Callback::Kind::grant) --line.grants;
    if (posted.callback.kind == Callback::Kind::answer) --answers_;
    return posted;
}

void Callbacks::post(Callback callback) {
    std::unique_lock held{lock_};
    const Key key{callback.path.client, callback.program.number};
    const auto known = lines_.find(key);
    const bool is_new = known == lines_.end();
    const bool is_line_full = !is_new && known->second.posted.size() >= line_callbacks_max;
    const bool is_answer = callback.kind == Callback::Kind::answer;
    if (is_line_full || (is_answer && answers_ >= answers_max)) {
        held.unlock();
        callback.given_up();
        return;
    }
    const auto now = Clock::now();
    auto& line = is_new ? lines_[key] : known->second;
    line.due = is_new ? now : std::min(line.due, now);
    line.pause = first_pause;
    line.is_away = false;
    push(line, {std::move(callback), now});
    ++changes_;
    changed_.notify_one();
}

bool Callbacks::may_begin(const Line& line) const noexcept {
    if (line.is_busy) return false;
    return line.is_urgent() || running_ < 2 || busy_others_ + 1 < running_;
}

Callbacks::Lines::iterator Callbacks::due_line(Clock::time_point now) {
    auto best = lines_.end();
    const auto is_before = [](const Line& a, const Line& b) {
        return a.is_urgent() != b.is_urgent() ? a.is_urgent() : a.due < b.due;
    };
    for (auto line = lines_.begin(); line != lines_.end(); ++line) {
        if (line->second.due > now || !may_begin(line->second)) continue;
        if (best == lines_.end() || is_before(line->second, best->second)) best = line;
    }
    return best;
}

std::optional<Callbacks::Clock::time_point> Callbacks::next_due() const {
    std::optional<Clock::time_point> next;
    for (const auto& [key, line] : lines_)
        if (may_begin(line) && (!next || line.due < *next)) next = line.due;
    return next;
}

bool Callbacks::carry_out(Callback& callback) {
    auto client = connect_(callback.path, callback.program);
    if (!client && callback.any_transport) {
        auto other = callback.path;
        other.transport =
            other.transport == rpc::Transport::tcp ? rpc::Transport::udp : rpc::Transport::tcp;
        client = connect_(other, callback.program);
    }
    return client && callback.call(*client);
}

/// True: nothing is left to do.
bool Callbacks::run_callback(Posted& posted, Clock::time_point now) {
    auto& callback = posted.callback;
    if (callback.patience && now - posted.since > *callback.patience) {
        callback.given_up();
        return true;
    }
    try {
        return !callback.is_wanted() || carry_out(callback);
    } catch (const std::bad_alloc&) {
        return false;  // perhaps it works later
    }
}

std::optional<Callbacks::Clock::time_point> Callbacks::run_one(Clock::time_point now) {
    std::unique_lock held{lock_};
    const auto found = due_line(now);
    if (found == lines_.end()) return next_due();
    auto& line = found->second;
    const bool is_other = !line.is_urgent();
    auto posted = pop(line);
    line.is_busy = true;
    if (is_other) ++busy_others_;
    held.unlock();
    const bool is_done = run_callback(posted, now);
    held.lock();

    line.is_busy = false;
    if (is_other) --busy_others_;
    line.is_away = !is_done;
    if (is_done) {
        line.pause = first_pause;
        line.due = now;
        if (line.posted.empty()) lines_.erase(found);
    } else {
        // Goes to the end of its line: a later callback may be for somebody who answers.
        push(line, std::move(posted));
        line.due = now + line.pause;
        line.pause = std::min(line.pause * 2, longest_pause);
    }
    return next_due();
}

void Callbacks::run(const std::stop_token& stop) {
    std::unique_lock held{lock_};
    while (!stop.stop_requested()) {
        const auto due = next_due();
        if (due && *due <= Clock::now()) {
            held.unlock();
            run_one(Clock::now());
            held.lock();
            ++changes_;
            changed_.notify_one();
            continue;
        }
        // Posted callbacks and finished attempts may change what is due.
        const auto seen = changes_;
        const auto has_changed = [&] { return changes_ != seen; };
        if (due)
            changed_.wait_until(held, stop, *due, has_changed);
        else
            changed_.wait(held, stop, has_changed);
    }
}

}  // namespace berth::nlm
