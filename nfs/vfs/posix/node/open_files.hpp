// The limit on descriptors that all trees of a process may keep open together. When there are too
// many, or the process has none left, the tree with the most nodes releases those that nobody has
// used lately. Every tree gets it, like Volumes. Locks itself; any thread.
#pragma once

#include <atomic>
#include <cstddef>
#include <mutex>
#include <system_error>
#include <vector>

#include <boost/thread/synchronized_value.hpp>

namespace berth::vfs::posix {

class NodeCache;

/// Whether the failure was a lack of descriptors, not a fault of the request.
[[nodiscard]] inline bool lacks_descriptors(std::errc error) noexcept {
    return error == std::errc::too_many_files_open ||
           error == std::errc::too_many_files_open_in_system;
}

class OpenFiles {
public:
    /// The most that a node of a busy file or directory holds.
    static constexpr std::size_t descriptors_per_node = 4;

    explicit OpenFiles(std::size_t descriptors_max);
    OpenFiles(const OpenFiles&) = delete;
    OpenFiles& operator=(const OpenFiles&) = delete;

    [[nodiscard]] std::size_t nodes_max() const noexcept { return nodes_max_; }
    [[nodiscard]] bool is_full() const noexcept {
        return nodes_.load(std::memory_order_relaxed) >= nodes_max_;
    }
    /// Whether the excess is more than may be left to the next caller that can wait.
    [[nodiscard]] bool is_overfull() const noexcept {
        return nodes_.load(std::memory_order_relaxed) > nodes_max_ + nodes_max_ / 4;
    }

    /// Closes some nodes that nobody uses, which may take time. False if there are none. Not for
    /// callers that hold a lock of a cache.
    bool make_room();

    /// For caches: registers the cache, and counts its nodes.
    void enter(NodeCache& cache);
    void leave(NodeCache& cache) noexcept;
    void count(std::ptrdiff_t change) noexcept {
        nodes_.fetch_add(static_cast<std::size_t>(change), std::memory_order_relaxed);
    }

private:
    const std::size_t nodes_max_;
    std::atomic<std::size_t> nodes_{0};
    boost::synchronized_value<std::vector<NodeCache*>, std::mutex> caches_;
};

}  // namespace berth::vfs::posix
