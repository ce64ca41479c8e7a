#include "server/state_directory.hpp"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <system_error>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <spdlog/spdlog.h>

#include "server/admin_socket.hpp"
#include "server/options.hpp"

namespace berth::server {

namespace {

std::filesystem::path usual_place() {
    if (::geteuid() == 0) return "/var/lib/berth";
    if (const char* state = std::getenv("XDG_STATE_HOME"); state != nullptr && *state == '/')
        return std::filesystem::path{state} / "berth";
    if (const char* home = std::getenv("HOME"); home != nullptr && *home == '/')
        return std::filesystem::path{home} / ".local/state/berth";
    return {};
}

std::error_code last_error() {
    return {errno, std::generic_category()};
}

/// Makes what is missing: the directory for its owner alone, those above it as anybody's would be,
/// but never for others to write in, whatever the umask.
std::error_code make_directory(const std::filesystem::path& directory, mode_t mode = S_IRWXU) {
    constexpr mode_t mode_above = 0755;
    if (::mkdir(directory.c_str(), mode) == 0 || errno == EEXIST) return {};
    const auto above = directory.parent_path();
    if (errno != ENOENT || above.empty() || above == directory) return last_error();
    if (const auto error = make_directory(above, mode_above)) return error;
    return ::mkdir(directory.c_str(), mode) == 0 || errno == EEXIST ? std::error_code{}
                                                                    : last_error();
}

/// What the server may find in its directory.
struct Known {
    std::string_view name;
    mode_t type;
    std::string_view type_name;
    bool is_secret = false;
};
constexpr std::array known_names{
    Known{"handle.key", S_IFREG, "a regular file", true},
    Known{"lock", S_IFREG, "a regular file"},
    Known{"locks", S_IFREG, "a regular file"},
    Known{"mounts", S_IFREG, "a regular file"},
    Known{"watches", S_IFREG, "a regular file"},
    Known{"names", S_IFDIR, "a directory"},
    Known{admin_socket_name, S_IFSOCK, "a socket"},
};

void check(const std::filesystem::path& directory, const Known& known, uid_t directory_owner) {
    constexpr mode_t of_others = 077;
    const auto path = directory / known.name;
    struct stat found {};
    if (::lstat(path.c_str(), &found) != 0) return;
    if ((found.st_mode & S_IFMT) != known.type)
        throw UsageError(fmt::format("{} is not {}, so berth has not made it: move it away",
                                     path.string(), known.type_name));
    // Whoever owns the directory could put anything there; a file system that knows one owner only,
    // or a server that squashes root, shows that one for the server's own files, too.
    const bool is_trusted =
        found.st_uid == ::geteuid() || found.st_uid == 0 || found.st_uid == directory_owner;
    if (!is_trusted)
        throw UsageError(fmt::format("{} belongs to uid {}, not to uid {} as whom berth runs: move "
                                     "it away if berth has not made it, else give it back (chown)",
                                     path.string(), found.st_uid, ::geteuid()));
    if (known.is_secret && (found.st_mode & of_others) != 0)
        spdlog::warn("{} can be read or written by others (mode {:04o}), who can make file handles "
                     "with it: chmod 600 it, or remove it to have a new key made",
                     path.string(), found.st_mode & 07777U);
}

/// Others who can write there can put files under the names that the server uses.
void check(const std::filesystem::path& directory, std::error_code& error) {
    constexpr mode_t writable_by_others = 022;
    struct stat found {};
    if (::stat(directory.c_str(), &found) != 0) {
        error = last_error();
        return;
    }
    for (const auto& known : known_names) check(directory, known, found.st_uid);
    if ((found.st_mode & writable_by_others) != 0)
        spdlog::warn(
            "the state directory '{}' can be written by others (mode {:04o}), who can take "
            "away what berth keeps there: chmod go-w it, or name another one (--state)",
            directory.string(), found.st_mode & 07777U);
    else if (found.st_uid != ::geteuid() && found.st_uid != 0)
        spdlog::warn("the state directory '{}' belongs to uid {}, who can take away what berth "
                     "keeps there: chown it to uid {}, or name another one (--state)",
                     directory.string(), found.st_uid, ::geteuid());
}

/// Held as long as it lives, and let go by the kernel whatever becomes of the process. Two servers
/// would tell each other's clients that the server had restarted.
StateDirectory::Lock lock_of(const std::filesystem::path& directory, std::error_code& error) {
    constexpr int flags =
        O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    const int opened = ::open((directory / "lock").c_str(), flags, S_IRUSR | S_IWUSR);
    if (opened < 0) {
        error = last_error();
        return {};
    }
    StateDirectory::Lock lock{::fdopen(opened, "a")};
    if (lock && ::flock(opened, LOCK_EX | LOCK_NB) == 0) return lock;
    error = last_error();
    if (lock && error == std::errc::operation_would_block)
        throw UsageError("another berth runs with the state directory " + directory.string() +
                         "; --state gives this one a directory of its own");
    return {};
}

}  // namespace

std::filesystem::path StateDirectory::place(const std::optional<std::filesystem::path>& asked) {
    return asked ? *asked : usual_place();
}

StateDirectory::StateDirectory(const std::optional<std::filesystem::path>& asked)
    : path_(place(asked)) {
    std::error_code error;
    std::string reason = "no home directory";
    if (!path_.empty()) {
        error = make_directory(path_);
        if (!error && ::access(path_.c_str(), W_OK | X_OK) != 0) error = last_error();
        if (!error) check(path_, error);
        if (!error) lock_ = lock_of(path_, error);
        reason = error.message();
    }
    is_kept_ = !path_.empty() && !error;
    if (is_kept_) return;
    spdlog::warn(
        "the state directory '{}' can't be written ({}): after a restart clients must mount again, because "
        "file handles will not be the same; and they get no locks, as they would not hear of a restart "
        "that loses them: let uid {} write it, or name another one (--state)",
        path_.string(), reason, ::geteuid());
}

std::shared_ptr<const vfs::Withheld> StateDirectory::withheld() const {
    if (!is_kept_) return nullptr;
    return std::make_shared<const vfs::Withheld>(std::array{path_, path_ / "handle.key"});
}

vfs::HandleKey StateDirectory::handle_key() const {
    if (!is_kept_) return vfs::HandleKey::random();
    const auto file = path_ / "handle.key";
    auto key = vfs::load_or_create_key(file);
    if (key) return *key;
    const auto reason = std::make_error_code(key.error()).message();
    if (key.error() == std::errc::invalid_argument)
        throw UsageError(file.string() +
                         " is not a handle key; move it away to have a new one made");
    spdlog::warn("{} can't be kept ({}): after a restart clients must mount again", file.string(),
                 reason);
    return vfs::HandleKey::random();
}

}  // namespace berth::server
