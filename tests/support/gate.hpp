// A place in a handler where a test holds it back.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <stdexcept>

namespace berth::test {

/// How long a test waits for what must come. It only ever waits so long when it fails.
inline constexpr std::chrono::seconds patience{20};

class Gate {
public:
    /// Returns at once while the gate is open, else when it opens.
    void pass() {
        std::unique_lock held{lock_};
        ++held_back_;
        changed_.notify_all();
        changed_.wait(held, [this] { return open_; });
        --held_back_;
        ++passed_;
        changed_.notify_all();
    }

    void close() {
        const std::scoped_lock held{lock_};
        open_ = false;
    }
    void open() {
        const std::scoped_lock held{lock_};
        open_ = true;
        changed_.notify_all();
    }

    /// Waits until so many are being held back.
    void await_held_back(std::size_t count) {
        await([&] { return held_back_ >= count; });
    }
    /// Waits until so many have passed, of all that ever did.
    void await_passed(std::size_t count) {
        await([&] { return passed_ >= count; });
    }

    std::size_t held_back() {
        const std::scoped_lock held{lock_};
        return held_back_;
    }

private:
    template <class Condition>
    void await(Condition condition) {
        std::unique_lock held{lock_};
        if (!changed_.wait_for(held, patience, condition))
            throw std::runtime_error{"nobody came to the gate"};
    }

    std::mutex lock_;
    std::condition_variable changed_;
    bool open_ = true;
    std::size_t held_back_ = 0;
    std::size_t passed_ = 0;
};

}  // namespace berth::test
