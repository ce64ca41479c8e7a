#include "nfs/vfs/file_keeper.hpp"

#include <cassert>
#include <new>
#include <utility>

#include "nfs/vfs/kept_file.hpp"
#include "nfs/vfs/posix/thread_identity.hpp"

namespace berth::vfs {

FileKeeper::FileKeeper(Options options)
    : options_(std::move(options)),
      thread_([this] { run(); }) {}

FileKeeper::~FileKeeper() {
    {
        const std::lock_guard held{lock_};
        is_stopping_ = true;
    }
    changed_.notify_all();
    thread_.join();
}

FileKeeper::Change FileKeeper::note_change() {
    Change change = 0;
    {
        const std::lock_guard held{lock_};
        change = ++last_;
    }
    changed_.notify_all();
    return change;
}

std::error_code FileKeeper::wait_for(Change change) {
    std::unique_lock held{lock_};
    attempted_.wait(held, [&] { return last_attempt_ >= change; });
    return kept_ >= change ? std::error_code{} : failure_;
}

bool FileKeeper::is_kept(Change change) const {
    const std::lock_guard held{lock_};
    return kept_ >= change;
}

void FileKeeper::run() {
    assert(posix::is_server_acting());
    std::unique_lock held{lock_};
    for (;;) {
        changed_.wait(held, [this] { return is_stopping_ || last_ > last_attempt_; });
        if (last_ == last_attempt_) return;
        const auto change = last_;
        held.unlock();
        std::error_code outcome;
        try {
            outcome = replace_file(options_.file, options_.contents());
        } catch (const std::bad_alloc&) {
            outcome = std::make_error_code(std::errc::not_enough_memory);
        }
        tell_of(outcome);
        held.lock();
        last_attempt_ = change;
        failure_ = outcome;
        if (!outcome) kept_ = change;
        attempted_.notify_all();
    }
}

void FileKeeper::tell_of(const std::error_code& outcome) {
    const bool is_change = std::exchange(has_failed_, static_cast<bool>(outcome)) != has_failed_;
    const auto now = Clock::now();
    const bool is_due = outcome && now - told_at_ >= options_.between_news;
    if (!is_change && !is_due) return;
    told_at_ = now;
    options_.tell(outcome);
}

}  // namespace berth::vfs
