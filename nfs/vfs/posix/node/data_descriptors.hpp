// The descriptors for reading, writing and syncing one regular file: opened at first use, under the
// server's own identity, whatever the file's mode says. Permission is checked per call.
#pragma once

#include <atomic>
#include <mutex>
#include <vector>

#include "nfs/vfs/descriptor.hpp"
#include "nfs/vfs/result.hpp"

namespace berth::vfs::posix {

class Tree;

class DataDescriptors {
public:
    /// `path`: the object's own descriptor if it is open for reading and writing, as that of a file
    /// just created is; otherwise -1. It outlives this.
    explicit DataDescriptors(int path) noexcept : writable_(path), is_path_writable_(path >= 0) {}
    DataDescriptors(const DataDescriptors&) = delete;
    DataDescriptors& operator=(const DataDescriptors&) = delete;
    ~DataDescriptors();

    /// A readable descriptor if one is open, otherwise -1. Never blocks.
    [[nodiscard]] int readable() const noexcept;

    /// The descriptor to read or to write with, opened if need be. A thread that acted as the
    /// server still does afterwards.
    Result<int> for_reading(const Tree& tree, int path);
    Result<int> for_writing(const Tree& tree, int path);

    /// A descriptor of the caller's own; it is not kept here.
    Result<Descriptor> open_another(const Tree& tree, int path, int flags);

    /// Held while the file's mode changes: opening may also have to change the mode for a moment.
    [[nodiscard]] std::unique_lock<std::mutex> keep_from_opening() {
        return std::unique_lock{opening_};
    }

    /// Removes the writable descriptor if nobody has used it since the last call. If that is the
    /// object's own descriptor, `stand_in` takes its place; without a stand-in nothing happens.
    /// Only while no call that could use the descriptor is in progress.
    Descriptor take_idle_writable(const Descriptor& stand_in);
    /// An O_PATH descriptor of the object, if the next take_idle_writable() is likely to need one.
    [[nodiscard]] Descriptor stand_in() const;

private:
    static Result<Descriptor> open_as_server(const Tree& tree, int path, int flags);
    Result<int> open(const Tree& tree, int path, int flags, std::atomic<int>& slot);
    Descriptor take_from_path(const Descriptor& stand_in);

    std::mutex opening_;
    std::atomic<int> readable_{-1};
    std::atomic<int> writable_;
    std::atomic<bool> writable_used_{true};
    std::atomic<bool> is_path_writable_;  // if so, writable_ is the object's own descriptor
};

}  // namespace berth::vfs::posix
