// Which groups users are in, as the server's system has it. server/ asks the system; tests answer
// themselves.
#pragma once

#include <cstdint>
#include <vector>

#include <sys/types.h>

#include <boost/system/result.hpp>

namespace berth::vfs {

/// May block for as long as a directory service takes; called from several threads at once.
class GroupDirectory {
public:
    enum class NoGroups : std::uint8_t {
        unknown_user,
        nobody_to_ask,  ///< just now
    };
    using Groups = boost::system::result<std::vector<gid_t>, NoGroups>;

    GroupDirectory() = default;
    GroupDirectory(const GroupDirectory&) = delete;
    GroupDirectory& operator=(const GroupDirectory&) = delete;
    virtual ~GroupDirectory() = default;

    /// All groups of the user, the one of its passwd(5) entry included; in any order.
    virtual Groups groups_of(uid_t uid) = 0;
};

}  // namespace berth::vfs
