// Records attributes before and after a change under the object's change lock, so that the pair is
// atomic among clients of this server: a client may keep its cache if "before" matches what it
// knew. One thread, one change.
#pragma once

#include <mutex>

#include "nfs/target.hpp"

namespace berth::nfs {

class WccRecorder {
public:
    explicit WccRecorder(const Target& target);

    /// The object's attributes before the change.
    [[nodiscard]] const vfs::Result<vfs::Attributes>& before() const noexcept { return before_; }
    /// Takes the attributes after the change, and releases the lock.
    Wcc finish();

private:
    const Target& target_;
    std::unique_lock<std::mutex> lock_;
    vfs::Result<vfs::Attributes> before_;
};

/// The same for two directories, which may be the same one.
class WccRecorderPair {
public:
    WccRecorderPair(const Target& first, const Target& second);

    struct Both {
        Wcc first;
        Wcc second;
    };
    Both finish();

private:
    const Target& first_target_;
    const Target& second_target_;
    std::unique_lock<std::mutex> first_lock_;
    std::unique_lock<std::mutex> second_lock_;
    vfs::Result<vfs::Attributes> first_before_;
    vfs::Result<vfs::Attributes> second_before_;
};

}  // namespace berth::nfs
