// Keeps clients from withheld objects, and from changing directories above them.
#include <fcntl.h>
#include <sys/stat.h>

#include "nfs/vfs/posix/system/calls.hpp"
#include "nfs/vfs/posix/tree.hpp"

namespace berth::vfs::posix {

Result<void> Tree::may_change(int directory, const char* name) const {
    if (!has_withheld_) return {};
    const auto found = status(directory, name);
    if (found && (withholds(*found) || withheld_->is_link(*found)))
        return std::errc::permission_denied;
    if (!found || !S_ISDIR(found->stx_mode)) return {};
    // Moving a directory above it would let a client put another in its place.
    const auto acting = act_as_server();
    if (!acting) return acting.error();
    const auto opened = opening(Patience::ample, [&] {
        return open_at(directory, name, O_PATH | O_DIRECTORY | O_NOFOLLOW);
    });
    if (opened && withheld_->is_below(opened->number())) return std::errc::permission_denied;
    return {};
}

Result<void> Tree::may_close(const Node& node) const {
    if (!has_withheld_ || node.type() != FileType::directory) return {};
    const auto acting = act_as_server();
    if (!acting) return acting.error();
    if (withheld_->is_below(node.path())) return std::errc::operation_not_permitted;
    return {};
}

Result<bool> Tree::is_marked(int directory) const {
    if (!withheld_ || !withheld_->may_mark(directory)) return false;
    const auto acting = act_as_server();
    if (!acting) return acting.error();
    return withheld_->marks(directory);
}

}  // namespace berth::vfs::posix
