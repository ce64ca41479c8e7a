#include "server/state_directory.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <set>
#include <string>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/filesystem/operations.hpp>
#include <boost/filesystem/path.hpp>
#include <spdlog/spdlog.h>

#include "server/admin_socket.hpp"
#include "server/options.hpp"

namespace berth::server {

namespace {

boost::filesystem::path usual_place() {
    if (::geteuid() == 0) return "/var/lib/berth";
    if (const char* state = std::getenv("XDG_STATE_HOME"); state != nullptr && *state == '/')
        return boost::filesystem::path{state} / "berth";
    if (const char* home = std::getenv("HOME"); home != nullptr && *home == '/')
        return boost::filesystem::path{home} / ".local/state/berth";
    return {};
}

std::error_code last_error() {
    return {errno, std::generic_category()};
}

/// Makes missing directories: the last one private to its owner, those above it with the usual
/// mode, but never writable for others, whatever the umask.
std::error_code make_directory(const boost::filesystem::path& directory, mode_t mode = S_IRWXU) {
    constexpr mode_t mode_above = 0755;
    if (::mkdir(directory.c_str(), mode) == 0 || errno == EEXIST) return {};
    const auto above = directory.parent_path();
    if (errno != ENOENT || above.empty() || above == directory) return last_error();
    if (const auto error = make_directory(above, mode_above)) return error;
    return ::mkdir(directory.c_str(), mode) == 0 || errno == EEXIST ? std::error_code{}
                                                                    : last_error();
}

/// A file or directory that the server may find in its directory.
struct Known {
    std::string_view name;
    mode_t type;
    std::string_view type_name;
    /// The mode bits that others must not have, and what they could do with them.
    mode_t not_for_others = 022;
    std::string_view danger = "who can change what berth keeps there: chmod go-w it";
};
constexpr std::array known_names{
    Known{"handle.key", S_IFREG, "a regular file", 077,
          "who can make file handles with it: chmod 600 it, or remove it to have a new key made"},
    Known{"lock", S_IFREG, "a regular file", 077,
          "who can hold the lock, so that no berth starts: chmod 600 it"},
    Known{"locks", S_IFREG, "a regular file"},
    Known{"mounts", S_IFREG, "a regular file"},
    Known{"watches", S_IFREG, "a regular file"},
    Known{"names", S_IFDIR, "a directory"},
    Known{admin_socket_name, S_IFSOCK, "a socket"},
};

void check(const state::Folder& folder, const Known& known, uid_t directory_owner) {
    const auto path = folder.path() / known.name;
    const std::string name{known.name};
    struct stat found {};
    if (::fstatat(folder.descriptor(), name.c_str(), &found, AT_SYMLINK_NOFOLLOW) != 0) return;
    if ((found.st_mode & S_IFMT) != known.type)
        throw UsageError(fmt::format("{} is not {}, so berth did not make it: move it away",
                                     path.string(), known.type_name));
    // The owner of the directory could put anything there anyway. A file system with a single
    // owner, or a server that squashes root, shows that owner for the server's own files too.
    const bool is_trusted =
        found.st_uid == ::geteuid() || found.st_uid == 0 || found.st_uid == directory_owner;
    if (!is_trusted)
        throw UsageError(fmt::format("{} belongs to uid {}, but berth runs as uid {}: move it away "
                                     "if berth did not make it, otherwise chown it",
                                     path.string(), found.st_uid, ::geteuid()));
    if ((found.st_mode & known.not_for_others) != 0)
        spdlog::warn("{} can be {}written by others (mode {:04o}), {}", path.string(),
                     known.not_for_others == 077 ? "read or " : "", found.st_mode & 07777U,
                     known.danger);
}

constexpr mode_t writable_by_others = 022;

/// Others who can write there can put files under the names that the server uses.
void check(const state::Folder& folder) {
    struct stat found {};
    if (::fstat(folder.descriptor(), &found) != 0) return;
    for (const auto& known : known_names) check(folder, known, found.st_uid);
    if ((found.st_mode & writable_by_others) != 0)
        spdlog::warn("the state directory '{}' is writable by others (mode {:04o}), "
                     "who can remove berth's files: chmod go-w it, or use another "
                     "one (--state)",
                     folder.path().string(), found.st_mode & 07777U);
    else if (found.st_uid != ::geteuid() && found.st_uid != 0)
        spdlog::warn("the state directory '{}' belongs to uid {}, who can remove "
                     "berth's files: chown it to uid {}, or use another one "
                     "(--state)",
                     folder.path().string(), found.st_uid, ::geteuid());
}

/// Others who can rename entries of `above` can put another directory, or a link, in the place of
/// the way to the state directory.
void check_above(const boost::filesystem::path& above) {
    struct stat found {};
    if (::stat(above.c_str(), &found) != 0) return;
    if (found.st_uid != ::geteuid() && found.st_uid != 0)
        spdlog::warn("'{}', above the state directory, belongs to uid {}, who can "
                     "put another state directory in its place: chown it, or use "
                     "another one (--state)",
                     above.string(), found.st_uid);
    else if ((found.st_mode & writable_by_others) != 0 && (found.st_mode & S_ISVTX) == 0)
        spdlog::warn("'{}', above the state directory, is writable by others (mode "
                     "{:04o}), who can put another state directory in its place: "
                     "chmod go-w it, or use another one (--state)",
                     above.string(), found.st_mode & 07777U);
}

/// Checks each directory on the way once: as the path names them and, if there is a link in it, as
/// they really are.
void check_way(const boost::filesystem::path& path) {
    boost::system::error_code ignored;
    std::set<boost::filesystem::path> above;
    for (const auto& way : {boost::filesystem::absolute(path, ignored).lexically_normal(),
                            boost::filesystem::canonical(path, ignored)}) {
        auto at = way.has_filename() ? way : way.parent_path();
        for (; at.has_relative_path(); at = at.parent_path()) above.insert(at.parent_path());
    }
    std::ranges::for_each(above, check_above);
}

/// The symbolic links on the way there, absolute, with the links before them resolved.
std::vector<boost::filesystem::path> links_on(const boost::filesystem::path& path) {
    constexpr std::size_t links_max = 40;  // the kernel's limit
    boost::system::error_code error;
    std::vector<boost::filesystem::path> links;
    auto rest = boost::filesystem::absolute(path, error).lexically_normal();
    boost::filesystem::path at;
    while (!rest.empty() && links.size() < links_max) {
        const auto name = *rest.begin();
        boost::filesystem::path behind;
        for (auto part = std::next(rest.begin()); part != rest.end(); ++part) behind /= *part;
        const auto here = at / name;
        const auto target = boost::filesystem::read_symlink(here, error);
        if (error) {  // not a link
            at = here;
            rest = behind;
            continue;
        }
        links.push_back(here);
        if (target.is_absolute()) at.clear();
        rest = behind.empty() ? target : target / behind;
    }
    return links;
}

/// Held for as long as it lives; the kernel releases it however the process ends. Two servers would
/// tell each other's clients that the server had restarted.
StateDirectory::Lock lock_of(const state::Folder& folder, std::error_code& error) {
    constexpr int flags =
        O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    const int opened = ::openat(folder.descriptor(), "lock", flags, S_IRUSR | S_IWUSR);
    if (opened < 0) {
        error = last_error();
        return {};
    }
    StateDirectory::Lock lock;
    if (auto* const file = ::fdopen(opened, "a")) lock = {file, &std::fclose};
    if (lock && ::flock(opened, LOCK_EX | LOCK_NB) == 0) return lock;
    error = last_error();
    if (lock && error == std::errc::operation_would_block)
        throw UsageError("another berth runs with the state directory " + folder.path().string() +
                         "; --state gives this one a directory of its own");
    return {};
}

/// Empty: it can't be opened or written.
std::optional<state::Folder> open(const boost::filesystem::path& path, std::error_code& error) {
    if ((error = make_directory(path))) return {};
    auto folder = state::Folder::open(path);
    if (!folder) {
        error = std::make_error_code(folder.error());
        return {};
    }
    if (::faccessat(folder->descriptor(), ".", W_OK | X_OK, 0) == 0) return std::move(*folder);
    error = last_error();
    return {};
}

}  // namespace

boost::filesystem::path StateDirectory::place(const std::optional<boost::filesystem::path>& asked) {
    return asked ? *asked : usual_place();
}

StateDirectory::StateDirectory(const std::optional<boost::filesystem::path>& asked)
    : path_(place(asked)) {
    std::error_code error;
    if (!path_.empty()) folder_ = open(path_, error);
    if (asked && error == std::errc::not_a_directory && boost::filesystem::is_regular_file(path_))
        throw UsageError("--state " + path_.string() + ": it is a file; expected a directory");
    if (folder_) {
        check(*folder_);
        check_way(path_);
        lock_ = lock_of(*folder_, error);
        if (lock_) {
            key_ = load_key();
            return;
        }
        folder_.reset();
    }
    const auto what_is_wrong = path_.empty()
                                   ? std::string{"there is no state directory (no home directory)"}
                                   : fmt::format("the state directory '{}' can't be written ({})",
                                                 path_.string(), error.message());
    const bool may_be_given =
        error == std::errc::permission_denied || error == std::errc::operation_not_permitted;
    spdlog::warn(
        "{}, so after a restart clients must mount again, because file handles will have "
        "changed, and showmount lists no earlier mounts. Clients get no locks now, because "
        "they could not be told of a restart, and 'berth locks' does not find this "
        "server. {}",
        what_is_wrong,
        path_.empty() ? "Name a directory (--state)"
        : may_be_given
            ? fmt::format("Let uid {} write it, or use another one (--state)", ::geteuid())
        : error == std::errc::no_space_on_device
            ? "Make room on its file system, or use another one (--state)"
            : "Use another one (--state)");
}

void StateDirectory::release(const Lock& lock) noexcept {
    if (lock) ::flock(::fileno(lock.get()), LOCK_UN);
}

std::shared_ptr<const vfs::Withheld> StateDirectory::withheld() const {
    if (!is_kept()) return nullptr;
    const auto key = handle_key();
    vfs::Withheld::What what{.paths = {path_, path_ / "handle.key"}, .links = links_on(path_)};
    what.mark = {.name = "handle.key", .contents = {key.bytes().begin(), key.bytes().end()}};
    return std::make_shared<const vfs::Withheld>(what);
}

exports::HandleKey StateDirectory::handle_key() const {
    return key_ ? *key_ : exports::HandleKey::random();
}

/// Empty: it can't be kept.
std::optional<exports::HandleKey> StateDirectory::load_key() const {
    const auto file = path_ / "handle.key";
    const auto key = exports::load_or_create_key(*folder_);
    if (key) return *key;
    const auto reason = std::make_error_code(key.error()).message();
    if (key.error() == std::errc::invalid_argument)
        throw UsageError(file.string() +
                         " is not a handle key; move it away to have a new one made");
    spdlog::warn("{} can't be kept ({}), so after a restart clients must mount again, because file "
                 "handles will have changed: let uid {} read and write it",
                 file.string(), reason, ::geteuid());
    return {};
}

}  // namespace berth::server
