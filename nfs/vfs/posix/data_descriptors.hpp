// The descriptors through which one regular file's contents are read, written and synced: opened
// when first needed, by the server's own identity, whatever the file's mode says. Permission is
// checked per call.
#pragma once

#include <atomic>
#include <mutex>
#include <vector>

#include "nfs/vfs/posix/descriptor.hpp"
#include "nfs/vfs/result.hpp"

namespace berth::vfs::posix {

class Tree;

class DataDescriptors {
public:
    /// `path`: the object's own descriptor, when that is open for reading and writing as that of a
    /// file just created is; else -1. Outlives this.
    explicit DataDescriptors(int path) noexcept : writable_(path), is_path_writable_(path >= 0) {}
    DataDescriptors(const DataDescriptors&) = delete;
    DataDescriptors& operator=(const DataDescriptors&) = delete;
    ~DataDescriptors();

    /// One that can be read, if one is open: else -1. Never blocks.
    [[nodiscard]] int readable() const noexcept;

    /// The one to read or to write, opened if need be. Leaves the thread acting as the server if it
    /// was.
    Result<int> for_reading(const Tree& tree, int path);
    Result<int> for_writing(const Tree& tree, int path);

    /// A descriptor of its own for the caller, not kept here.
    Result<Descriptor> open_another(const Tree& tree, int path, int flags);

    /// Held while the file's mode is changed: opening may have to change it for a moment, too.
    [[nodiscard]] std::unique_lock<std::mutex> keep_from_opening() {
        return std::unique_lock{opening_};
    }

    /// Takes away the writable one if nobody asked for it since the last call. Where that is the
    /// object's own, `stand_in` takes its place there; without one nothing happens. Only while no
    /// call that could use it is under way.
    Descriptor take_idle_writable(const Descriptor& stand_in);
    /// Holds the object only (O_PATH), if it looks as if the next take_idle_writable() will need
    /// it.
    [[nodiscard]] Descriptor stand_in() const;

private:
    static Result<Descriptor> open_as_server(const Tree& tree, int path, int flags);
    Result<int> open(const Tree& tree, int path, int flags, std::atomic<int>& slot);
    Descriptor take_from_path(const Descriptor& stand_in);

    std::mutex opening_;
    std::atomic<int> readable_{-1};
    std::atomic<int> writable_;
    std::atomic<bool> writable_used_{true};
    std::atomic<bool> is_path_writable_;  // and then is what writable_ stands for
};

}  // namespace berth::vfs::posix
