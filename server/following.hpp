// Handles exported directories that are replaced while they are served, by a new release under the
// old name or by a mount: clients that mount afterwards get the new directory. Calls notice it and
// ask; the main thread looks. Locks itself.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string>

#include "nfs/vfs/result.hpp"
#include "server/export_trees.hpp"

namespace berth::server {

class Following {
public:
    /// Throws std::system_error.
    Following();
    Following(const Following&) = delete;
    Following& operator=(const Following&) = delete;
    ~Following();

    /// Checks whether the path of an export still leads to its directory. If it leads to another
    /// one, waits until the main thread has exported that, but not for long; timed_out if it has
    /// not. Any thread that may wait.
    vfs::Result<void> renew(const std::string& path);

    // --- for the main thread

    /// For poll(2): POLLIN if a call asks.
    [[nodiscard]] int descriptor() const noexcept { return descriptor_; }

    struct Asked {
        std::set<std::string> paths;
        std::uint64_t number = 0;
    };
    /// The paths that calls have asked about, if any.
    Asked take();
    /// These directories are exported now, and the calls in `asked` get their answer.
    void answer(const Asked& asked, std::map<std::string, ExportTrees::Place> places);
    /// Ends all waits.
    void stop();

private:
    static constexpr std::chrono::seconds patience{3};

    int descriptor_;
    std::condition_variable answered_;
    std::mutex lock_;
    // Guarded by lock_:
    std::map<std::string, ExportTrees::Place> places_;
    Asked asked_;
    std::uint64_t answered_number_ = 0;
    bool is_stopped_ = false;
};

}  // namespace berth::server
