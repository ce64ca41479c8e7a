#include "server/state_directory.hpp"

#include <cstdio>
#include <cstdlib>
#include <string>
#include <system_error>

#include <sys/file.h>
#include <unistd.h>

#include <spdlog/spdlog.h>

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

/// Held as long as it lives, and let go by the kernel whatever becomes of the process. Two servers
/// would tell each other's clients that the server had restarted.
StateDirectory::Lock lock_of(const std::filesystem::path& directory, std::error_code& error) {
    StateDirectory::Lock lock{std::fopen((directory / "lock").c_str(), "ae")};
    if (lock && ::flock(::fileno(lock.get()), LOCK_EX | LOCK_NB) == 0) return lock;
    error = std::error_code{errno, std::generic_category()};
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
        std::filesystem::create_directories(path_, error);
        if (!error && ::access(path_.c_str(), W_OK | X_OK) != 0)
            error = std::error_code{errno, std::generic_category()};
        if (!error) lock_ = lock_of(path_, error);
        reason = error.message();
    }
    is_kept_ = !path_.empty() && !error;
    if (is_kept_) {
        std::filesystem::permissions(
            path_, std::filesystem::perms::group_write | std::filesystem::perms::others_all,
            std::filesystem::perm_options::remove, error);
        return;
    }
    spdlog::warn(
        "the state directory '{}' can't be written ({}): after a restart clients must mount again, because "
        "file handles will not be the same",
        path_.string(), reason);
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
