// The groups of users, as the server's system knows them. server/ asks the system; tests answer
// themselves.
#pragma once

#include <cstdint>
#include <vector>

#include <sys/types.h>

#include <boost/system/result.hpp>

namespace berth::exports {

/// May block for as long as a directory service takes; several threads call it at once.
class GroupDirectory {
public:
    enum class NoGroups : std::uint8_t {
        unknown_user,
        nobody_to_ask,  ///< at present
    };
    using Groups = boost::system::result<std::vector<gid_t>, NoGroups>;

    GroupDirectory() = default;
    GroupDirectory(const GroupDirectory&) = delete;
    GroupDirectory& operator=(const GroupDirectory&) = delete;
    virtual ~GroupDirectory() = default;

    /// All groups of the user, including the one in its passwd(5) entry; in any order.
    virtual Groups groups_of(uid_t uid) = 0;
};

}  // namespace berth::exports
