// Exported directories that are replaced while they are served, as by a new release under the old
// name, or something mounted over them: clients that mount afterwards get what is there now. Calls
// notice it and ask; the main thread has a look. Locks itself.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string>

#include "nfs/vfs/result.hpp"
#include "server/exporting.hpp"

namespace berth::server {

class Following {
public:
    /// Throws std::system_error.
    Following();
    Following(const Following&) = delete;
    Following& operator=(const Following&) = delete;
    ~Following();

    /// Whether the path of an export still leads to its directory. Where it leads to another one,
    /// waits until the main thread has exported that, but not for long; timed_out when it has not.
    /// Any thread that may wait.
    vfs::Result<void> renew(const std::string& path);

    // --- for the main thread

    /// For poll(2): POLLIN when somebody asks.
    [[nodiscard]] int descriptor() const noexcept { return descriptor_; }

    struct Asked {
        std::set<std::string> paths;
        std::uint64_t number = 0;
    };
    /// What is asked for, if anything.
    Asked take();
    /// From now on these are exported, and what was taken is answered.
    void answer(const Asked& asked, std::map<std::string, Exporting::Place> places);
    /// Nobody waits any more.
    void stop();

private:
    static constexpr std::chrono::seconds patience{3};

    int descriptor_;
    std::mutex lock_;
    std::condition_variable answered_;
    std::map<std::string, Exporting::Place> places_;
    Asked asked_;
    std::uint64_t answered_number_ = 0;
    bool is_stopped_ = false;
};

}  // namespace berth::server
