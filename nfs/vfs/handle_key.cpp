// Where the handle key is kept. Used once, at start-up.
#include <cerrno>
#include <span>
#include <string>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "nfs/vfs/handle.hpp"
#include "nfs/vfs/kept_file.hpp"
#include "nfs/vfs/posix/descriptor.hpp"
#include "nfs/vfs/posix/system.hpp"

namespace berth::vfs {
namespace {

using posix::Descriptor;
using posix::last_error;

Result<HandleKey> load(const std::filesystem::path& path) {
    const auto text = read_file(path);
    if (!text) return text.error();
    if (text->size() != HandleKey::size) return std::errc::invalid_argument;
    return HandleKey{std::as_bytes(std::span{*text}).first<HandleKey::size>()};
}

// The name appears with the whole key in it, or not at all.
Result<void> save(const std::filesystem::path& path, const HandleKey& key) {
    const auto bytes = key.bytes();
    const std::string text{reinterpret_cast<const char*>(bytes.data()), bytes.size()};
    if (const auto error = replace_file(path, text)) return static_cast<std::errc>(error.value());
    return {};
}

}  // namespace

Result<HandleKey> load_or_create_key(const std::filesystem::path& path) {
    const auto parent = path.has_parent_path() ? path.parent_path() : std::filesystem::path{"."};
    const Descriptor directory{open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (!directory) return last_error();
    // Of several servers starting at once one makes the key, and the others wait here and read it.
    while (flock(directory.number(), LOCK_EX) != 0) {
        if (errno != EINTR) return last_error();
    }

    auto found = load(path);
    if (found || found.error() != std::errc::no_such_file_or_directory) return found;
    const auto key = HandleKey::random();
    if (auto saved = save(path, key); !saved) return saved.error();
    return key;
}

}  // namespace berth::vfs
