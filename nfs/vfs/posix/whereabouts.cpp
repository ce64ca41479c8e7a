#include "nfs/vfs/posix/whereabouts.hpp"

#include <array>
#include <climits>
#include <cstddef>
#include <string_view>

#include <unistd.h>

#include "nfs/vfs/posix/system.hpp"

namespace berth::vfs::posix {
namespace {

// A path as the kernel tells it; empty when it is too long to be told.
class ToldPath {
public:
    explicit ToldPath(int descriptor) noexcept {
        const auto size =
            ::readlink(ReopenPath{descriptor}.text(), bytes_.data(), bytes_.size() - 1);
        // What fills the buffer may have been cut off.
        if (size > 0 && static_cast<std::size_t>(size) < bytes_.size() - 1)
            size_ = static_cast<std::size_t>(size);
        bytes_[size_] = '\0';
    }

    [[nodiscard]] bool is_empty() const noexcept { return size_ == 0; }
    [[nodiscard]] const char* text() const noexcept { return bytes_.data(); }
    [[nodiscard]] bool is_or_leads_to(const ToldPath& other) const noexcept {
        const std::string_view above{bytes_.data(), size_};
        const std::string_view below{other.bytes_.data(), other.size_};
        return below.starts_with(above) &&
               (below.size() == above.size() || above == "/" || below[above.size()] == '/');
    }

private:
    std::array<char, PATH_MAX> bytes_;
    std::size_t size_ = 0;
};

bool is_same(const struct statx& a, const struct statx& b) {
    return a.stx_ino == b.stx_ino && a.stx_dev_major == b.stx_dev_major &&
           a.stx_dev_minor == b.stx_dev_minor;
}

bool is_root_of_mount(int directory) {
    const auto found = status(directory);
    return found && (found->stx_attributes_mask & STATX_ATTR_MOUNT_ROOT) != 0 &&
           (found->stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

}  // namespace

Whereabouts::Whereabouts(int root) : root_(root), matters_(!is_root_of_mount(root)) {}

bool Whereabouts::is_outside(int object) const {
    if (!matters_) return false;
    const ToldPath root{root_};
    const ToldPath path{object};
    if (root.is_empty() || path.is_empty() || root.is_or_leads_to(path)) return false;
    // The kernel tells a path also of what was removed, or whose parents it does not know. Only one
    // that leads there is a place.
    const auto there = status(AT_FDCWD, path.text());
    const auto found = status(object);
    if (!there || !found || !is_same(*there, *found)) return false;
    return S_ISDIR(found->stx_mode) || found->stx_nlink == 1;
}

}  // namespace berth::vfs::posix
