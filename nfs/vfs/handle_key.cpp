// Where the handle key is kept. Used once, at start-up.
#include <array>
#include <cerrno>
#include <span>
#include <string>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "nfs/vfs/handle.hpp"
#include "nfs/vfs/posix/descriptor.hpp"
#include "nfs/vfs/posix/system.hpp"

namespace berth::vfs {
namespace {

using posix::Descriptor;
using posix::last_error;

/// Fills `into` as far as the file goes.
Result<std::size_t> read_all(int file, std::span<std::byte> into) {
    std::size_t taken = 0;
    while (taken < into.size()) {
        const auto count = read(file, into.data() + taken, into.size() - taken);
        if (count == 0) break;
        if (count > 0) {
            taken += static_cast<std::size_t>(count);
        } else if (errno != EINTR) {
            return last_error();
        }
    }
    return taken;
}

Result<void> write_all(int file, std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
        const auto count = write(file, bytes.data(), bytes.size());
        if (count >= 0) {
            bytes = bytes.subspan(static_cast<std::size_t>(count));
        } else if (errno != EINTR) {
            return last_error();
        }
    }
    return {};
}

Result<HandleKey> load(int directory, const std::string& name) {
    const Descriptor file{
        openat(directory, name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)};
    if (!file) return last_error();
    std::array<std::byte, HandleKey::size + 1> bytes{};
    const auto count = read_all(file.number(), bytes);
    if (!count) return count.error();
    if (*count != HandleKey::size) return std::errc::invalid_argument;
    return HandleKey{std::span{bytes}.first<HandleKey::size>()};
}

Result<void> write_new(int directory, const std::string& name, const HandleKey& key) {
    const Descriptor file{
        openat(directory, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)};
    if (!file) return last_error();
    if (auto written = write_all(file.number(), key.bytes()); !written) return written;
    if (fchmod(file.number(), 0600) != 0 || fsync(file.number()) != 0) return last_error();
    return {};
}

/// The name appears with the whole key in it, or not at all.
Result<void> save(int directory, const std::string& name, const HandleKey& key) {
    const auto unfinished = name + ".new";
    // Left by a server that died here: nothing has ever been sealed with it.
    if (unlinkat(directory, unfinished.c_str(), 0) != 0 && errno != ENOENT) return last_error();
    auto saved = write_new(directory, unfinished, key);
    if (saved && renameat(directory, unfinished.c_str(), directory, name.c_str()) != 0)
        saved = last_error();
    if (saved && fsync(directory) != 0) saved = last_error();
    if (!saved) unlinkat(directory, unfinished.c_str(), 0);
    return saved;
}

}  // namespace

Result<HandleKey> load_or_create_key(const std::filesystem::path& path) {
    const auto parent = path.has_parent_path() ? path.parent_path() : std::filesystem::path{"."};
    const auto name = path.filename().string();
    const Descriptor directory{open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (!directory) return last_error();
    // Of several servers starting at once one makes the key, and the others wait here and read it.
    while (flock(directory.number(), LOCK_EX) != 0) {
        if (errno != EINTR) return last_error();
    }

    auto found = load(directory.number(), name);
    if (found || found.error() != std::errc::no_such_file_or_directory) return found;
    const auto key = HandleKey::random();
    if (auto saved = save(directory.number(), name, key); !saved) return saved.error();
    return key;
}

}  // namespace berth::vfs
