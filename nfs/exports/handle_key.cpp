// Stores the handle key. Used once, at start-up.
#include <cerrno>
#include <span>
#include <string>

#include <sys/file.h>
#include <unistd.h>

#include "nfs/exports/handle.hpp"
#include "nfs/state/folder.hpp"
#include "nfs/vfs/descriptor.hpp"

namespace berth::exports {
namespace {

using vfs::last_error;

constexpr const char* key_file_name = "handle.key";

vfs::Result<HandleKey> load(const state::Folder& folder) {
    const auto contents = folder.read(key_file_name);
    if (!contents) return contents.error();
    if (contents->bytes.size() != HandleKey::size) return std::errc::invalid_argument;
    return HandleKey{std::as_bytes(std::span{contents->bytes}).first<HandleKey::size>()};
}

// The name appears with the whole key in the file, or not at all.
vfs::Result<void> save(const state::Folder& folder, const HandleKey& key) {
    const auto bytes = key.bytes();
    const std::string_view text{reinterpret_cast<const char*>(bytes.data()), bytes.size()};
    if (auto written = folder.replace(key_file_name, text, ::fsync); !written)
        return written.error();
    return {};
}

}  // namespace

vfs::Result<HandleKey> load_or_create_key(const state::Folder& folder) {
    const auto directory = folder.reopen();
    if (!directory) return directory.error();
    // If several servers start at once, one makes the key; the others wait here and read it.
    while (::flock(directory->number(), LOCK_EX) != 0) {
        if (errno != EINTR) return last_error();
    }

    auto found = load(folder);
    if (found || found.error() != std::errc::no_such_file_or_directory) return found;
    const auto key = HandleKey::random();
    if (auto saved = save(folder, key); !saved) return saved.error();
    return key;
}

}  // namespace berth::exports
