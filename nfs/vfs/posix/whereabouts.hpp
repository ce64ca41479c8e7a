// Whether objects that were in the tree have been moved out of it, as far as the kernel's own paths
// tell. Constant after construction; any thread.
#pragma once

namespace berth::vfs::posix {

class Whereabouts {
public:
    /// `root` is open and outlives this.
    explicit Whereabouts(int root);

    /// Whether anything can be moved out at all, and then be told: not when the root of the tree is
    /// that of its file system.
    [[nodiscard]] bool matters() const noexcept { return matters_; }

    /// True when what the descriptor holds has a name outside the tree, and none in it: of files
    /// with several names only a directory's is certain. By a thread that acts as the server.
    [[nodiscard]] bool is_outside(int object) const;

private:
    int root_;
    bool matters_;
};

}  // namespace berth::vfs::posix
