// A small file of the server's own that is written anew whenever what it tells has changed.
//
// It is written on a thread of its own, which acts as nobody but the server: a thread that serves a
// call never opens such a file. Whoever needs a change on disk waits for it; what has changed
// meanwhile is written once. The keeper's lock is taken last, and never held while the contents are
// asked for.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>

namespace berth::vfs {

class FileKeeper {
public:
    using Clock = std::chrono::steady_clock;
    /// Counts changes; a later one stands for those before it.
    using Change = std::uint64_t;

    struct Options {
        std::filesystem::path file;
        /// The contents of this moment. By the keeper's thread.
        std::function<std::string()> contents;
        /// For the log: the file can't be written, told at once and then once a minute while
        /// somebody tries; or (no error) it can be again. By the keeper's thread.
        std::function<void(const std::error_code&)> tell;
        std::chrono::milliseconds between_news{60'000};
    };

    /// Starts the thread, which must not be done by one that acts as a caller.
    explicit FileKeeper(Options options);
    FileKeeper(const FileKeeper&) = delete;
    FileKeeper& operator=(const FileKeeper&) = delete;
    /// Writes what has not been written.
    ~FileKeeper();

    /// The contents are others now. Waits for nothing.
    Change note_change();
    /// Waits until the change is on disk, or an attempt to write it has failed.
    [[nodiscard]] std::error_code wait_for(Change change);
    [[nodiscard]] std::error_code write_now() { return wait_for(note_change()); }
    [[nodiscard]] bool is_kept(Change change) const;

private:
    void run();
    void tell_of(const std::error_code& outcome);

    const Options options_;
    mutable std::mutex lock_;
    std::condition_variable changed_;
    std::condition_variable attempted_;
    Change last_ = 0;          // there is
    Change last_attempt_ = 0;  // to write
    Change kept_ = 0;          // on disk, with those before it
    std::error_code failure_;  // of the last attempt
    bool is_stopping_ = false;
    // Of the keeper's thread:
    bool has_failed_ = false;
    Clock::time_point told_at_;
    std::thread thread_;
};

}  // namespace berth::vfs
