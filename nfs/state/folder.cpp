#include "nfs/state/folder.hpp"

#include <array>
#include <cerrno>
#include <cstdio>
#include <random>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/filesystem/operations.hpp>
#include <boost/filesystem/path.hpp>

#include "nfs/vfs/descriptor.hpp"

namespace berth::state {
namespace {

using vfs::Descriptor;
using vfs::last_error;

Folder::Identity identity_of(const struct stat& found) {
    return {.device = found.st_dev, .inode = found.st_ino};
}

std::string random_suffix() {
    std::random_device device;
    std::array<char, 24> text{};
    std::snprintf(text.data(), text.size(), ".%08x%08x", device(), device());
    return text.data();
}

vfs::Result<void> write_all(int file, std::string_view bytes) {
    while (!bytes.empty()) {
        const auto count = ::write(file, bytes.data(), bytes.size());
        if (count < 0 && errno != EINTR) return last_error();
        if (count > 0) bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return {};
}

vfs::Result<void> write_out(int file, std::string_view bytes,
                            const Folder::Synchronize& synchronize) {
    if (auto written = write_all(file, bytes); !written) return written;
    // The umask may have removed too many bits.
    if (auto set = vfs::checked(::fchmod(file, S_IRUSR | S_IWUSR)); !set) return set;
    return vfs::checked(synchronize(file));
}

}  // namespace

vfs::Result<Folder> Folder::open(boost::filesystem::path path) {
    auto directory = vfs::open_at(AT_FDCWD, path.c_str(), O_PATH | O_DIRECTORY);
    if (!directory) return directory.error();
    struct stat found {};
    if (::fstat(directory->number(), &found) != 0) return last_error();
    return Folder{std::move(path), std::move(*directory), identity_of(found)};
}

vfs::Result<vfs::Descriptor> Folder::reopen() const {
    return vfs::open_at(descriptor(), ".", O_RDONLY | O_DIRECTORY);
}

vfs::Result<void> Folder::check_place() const {
    struct stat found {};
    if (::stat(path_.c_str(), &found) != 0) return last_error();
    if (identity_of(found) != identity_) return vfs::stale;
    return {};
}

vfs::Result<Folder::Identity> Folder::identity(const std::string& name) const {
    struct stat found {};
    if (::fstatat(descriptor(), name.c_str(), &found, AT_SYMLINK_NOFOLLOW) != 0)
        return last_error();
    return identity_of(found);
}

vfs::Result<Folder::Contents> Folder::read(const std::string& name) const {
    const auto opened =
        vfs::open_at(descriptor(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (!opened) {
        // The kernel returns this error for a socket, and for a FIFO without a writer.
        const bool is_special = opened.error() == std::errc::no_such_device_or_address;
        return is_special ? std::errc::invalid_argument : opened.error();
    }
    struct stat found {};
    if (::fstat(opened->number(), &found) != 0) return last_error();
    if (S_ISDIR(found.st_mode)) return std::errc::is_a_directory;
    if (!S_ISREG(found.st_mode)) return std::errc::invalid_argument;
    Contents contents{.identity = identity_of(found), .bytes = {}};
    std::array<char, std::size_t{1} << 16> buffer;
    for (;;) {
        const auto count = ::read(opened->number(), buffer.data(), buffer.size());
        if (count == 0) return contents;
        if (count < 0 && errno != EINTR) return last_error();
        if (count > 0) contents.bytes.append(buffer.data(), static_cast<std::size_t>(count));
        if (contents.bytes.size() > bytes_max) return std::errc::file_too_large;
    }
}

vfs::Result<vfs::Descriptor> Folder::make_empty(const std::string& name) const {
    return vfs::open_at(descriptor(), name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW,
                        S_IRUSR | S_IWUSR);
}

// Makes an empty file to write into; `name` becomes its name. It never uses a file that is in the
// way, whether a server that died or anybody else left it.
vfs::Result<vfs::Descriptor> Folder::make_fresh(std::string& name) const {
    const bool is_free = ::unlinkat(descriptor(), name.c_str(), 0) == 0 || errno == ENOENT;
    auto made = is_free ? make_empty(name) : std::errc::file_exists;
    if (made || made.error() != std::errc::file_exists) return made;
    name += random_suffix();
    return make_empty(name);
}

vfs::Result<void> Folder::synchronize() const {
    const auto directory = reopen();
    if (!directory) return directory.error();
    return vfs::checked(::fsync(directory->number()));
}

vfs::Result<Folder::Written> Folder::replace(const std::string& name, std::string_view bytes,
                                             const Synchronize& synchronize) const {
    auto fresh = name + ".new";
    auto made = make_fresh(fresh);
    if (!made) return made.error();
    auto outcome = write_out(made->number(), bytes, synchronize);
    struct stat found {};
    if (outcome) outcome = vfs::checked(::fstat(made->number(), &found));
    if (outcome) outcome = rename(fresh, name);
    if (!outcome) {
        ::unlinkat(descriptor(), fresh.c_str(), 0);
        return outcome.error();
    }
    if (auto kept = this->synchronize(); !kept) return kept.error();
    return Written{.identity = identity_of(found), .file = std::move(*made)};
}

vfs::Result<void> Folder::rename(const std::string& from, const std::string& to) const {
    return vfs::checked(::renameat(descriptor(), from.c_str(), descriptor(), to.c_str()));
}

vfs::Result<void> Folder::link(const std::string& from, const std::string& to) const {
    return vfs::checked(::linkat(descriptor(), from.c_str(), descriptor(), to.c_str(), 0));
}

vfs::Result<void> Folder::remove(const std::string& name) const {
    return vfs::checked(::unlinkat(descriptor(), name.c_str(), 0));
}

}  // namespace berth::state
