#include "nfs/exports/file_options.hpp"

namespace berth::exports {
namespace {

constexpr FileOption all_options[] = {
    {"ro, rw", "ro", "Whether clients may change anything."},
    {"sync, async", "sync",
     "Whether changed names and attributes are on disk before the reply. Data is safe either way "
     "when the protocol says so: after COMMIT or a stable WRITE."},
    {"root_squash, no_root_squash", "root_squash",
     "Whether uid 0, gid 0 and group 0 of clients become anonymous."},
    {"all_squash, no_all_squash", "no_all_squash", "Whether all callers are anonymous."},
    {"anonuid=UID, anongid=GID", "65534", "Who anonymous callers act as."},
    {"map-uid=FIRST-LAST:SERVER, map-gid=FIRST-LAST:SERVER", "",
     "Which ids of clients stand for which of the server; repeat the option for more ranges. "
     "With `map-uid=1000-1999:101000` a client's uid 1000 acts here as 101000, and its files are "
     "1000's for that client. Squashing looks at the id that the client sent; `anonuid=` and "
     "`anongid=` are ids of the server. An id outside the ranges is anonymous (a group is left "
     "out), and nothing can be given to it. An owner that no client id stands for is shown as it "
     "is, or as `anonuid` where it looks like a mapped one."},
    {"secure, insecure", "secure",
     "Whether callers must use ports below 1024, for which clients need a privilege. Others get "
     "EPERM."},
    {"sec=sys, sec=none, sec=sys:none", "sys",
     "Who may call. `ro`, `rw` and squashing after a `sec=` are for its flavours. Without `sec=`, "
     "callers without a user are anonymous; where only `none` is listed, everybody is."},
    {"fsid=NUMBER, fsid=root, fsid=UUID", "from the path",
     "The identity of the export in handles, for a path that may change."},
    {"mountpoint[=PATH], mp[=PATH]", "",
     "Exported only while a file system is mounted there: at the exported directory, unless a path "
     "is given."},
    {"nordirplus", "", "Directories are listed without attributes: READDIRPLUS is refused."},
    {"crossmnt, nocrossmnt", "nocrossmnt",
     "Whether file systems that are mounted below belong to the export, at any depth, each with an "
     "fsid of its own. Without it they stay hidden. Only for file systems whose handles the kernel "
     "opens, and only as root."},
    {"hide, nohide", "hide",
     "Whether an export that is mounted in another one stays invisible there."},
    {"subtree_check, no_subtree_check, wdelay, no_wdelay, acl, no_acl, pnfs, no_pnfs, "
     "insecure_locks, secure_locks, auth_nlm, no_auth_nlm, xprtsec=none",
     "",
     "Accepted, and change nothing: handles can't be made up and lead to nothing outside the "
     "export, writes are not delayed, access lists count, locks need the same identity as reads "
     "and writes, pNFS belongs to NFSv4, and there is no TLS (`xprtsec=` must list `none`)."},
};

}  // namespace

std::span<const FileOption> file_options() {
    return all_options;
}

}  // namespace berth::exports
