// A thread of the server's own. It has a telling name, no exception in it ends the process, and its
// owner can ask it to stop and limit how long to wait for that.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <thread>

namespace berth::threads {

class Background {
public:
    /// Must return soon after it is asked to stop; a wait on a std::condition_variable_any takes
    /// the token and ends then. If it throws, the log says so, and it is called again after a
    /// second.
    using Work = std::function<void(const std::stop_token& stop)>;

    /// No thread.
    Background() noexcept = default;
    /// Starts the thread, which inherits the identity that the calling thread acts under. Throws
    /// std::system_error if the system can't start one.
    Background(std::string name, Work work);
    Background(Background&&) noexcept = default;
    /// Ends the thread that was there, as the destructor does.
    Background& operator=(Background&& other) noexcept;
    Background(const Background&) = delete;
    /// Asks the thread to stop, and waits for however long that takes.
    ~Background();

    [[nodiscard]] explicit operator bool() const noexcept { return thread_.joinable(); }
    void ask_to_stop() noexcept;
    /// Asks the thread to stop. False: it still ran after `patience`. True if there is no thread.
    [[nodiscard]] bool stop(std::chrono::milliseconds patience);
    /// The same for a thread that is not asked to stop, because it knows otherwise when to end.
    [[nodiscard]] bool await_end(std::chrono::milliseconds patience);
    /// Leaves the thread to itself: for one that may be stuck in the kernel, and whose work owns
    /// all that it uses.
    void leave() noexcept;

private:
    struct Ending;
    static void run(const std::stop_token& stop, const std::string& name, const Work& work);

    std::shared_ptr<Ending> ending_;
    std::jthread thread_;
};

}  // namespace berth::threads
