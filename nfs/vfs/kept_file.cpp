#include "nfs/vfs/kept_file.hpp"

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <random>
#include <string_view>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "nfs/vfs/posix/descriptor.hpp"
#include "nfs/vfs/posix/system.hpp"

namespace berth::vfs {
namespace {

using posix::Descriptor;
using posix::last_error;

constexpr std::size_t bytes_max = std::size_t{64} << 20;

std::string random_suffix() {
    std::random_device device;
    std::array<char, 24> text{};
    std::snprintf(text.data(), text.size(), ".%08x%08x", device(), device());
    return text.data();
}

Result<Descriptor> make_empty(const std::filesystem::path& path) {
    return posix::open_at(AT_FDCWD, path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW,
                          S_IRUSR | S_IWUSR);
}

// An empty file to write into; `path` becomes its name. Of what is in the way there, left by a
// server that died or put there by somebody, nothing is used.
Result<Descriptor> make_fresh(std::filesystem::path& path) {
    const bool is_free = ::unlink(path.c_str()) == 0 || errno == ENOENT;
    auto made = is_free ? make_empty(path) : std::errc::file_exists;
    if (made || made.error() != std::errc::file_exists) return made;
    path += random_suffix();
    return make_empty(path);
}

Result<void> write_all(int file, std::string_view text) {
    while (!text.empty()) {
        const auto count = ::write(file, text.data(), text.size());
        if (count < 0 && errno != EINTR) return last_error();
        if (count > 0) text.remove_prefix(static_cast<std::size_t>(count));
    }
    return {};
}

Result<void> write_out(const Descriptor& file, std::string_view text) {
    if (auto written = write_all(file.number(), text); !written) return written;
    // The umask may have taken more than it should.
    if (auto set = posix::checked(::fchmod(file.number(), S_IRUSR | S_IWUSR)); !set) return set;
    return posix::checked(::fsync(file.number()));
}

Result<void> replace(const std::filesystem::path& file, std::string_view text) {
    auto fresh = file;
    fresh += ".new";
    auto made = make_fresh(fresh);
    if (!made) return made.error();
    auto outcome = write_out(*made, text);
    if (outcome) outcome = posix::checked(::rename(fresh.c_str(), file.c_str()));
    if (!outcome) {
        ::unlink(fresh.c_str());
        return outcome;
    }
    const auto parent = file.has_parent_path() ? file.parent_path() : std::filesystem::path{"."};
    const auto folder = posix::open_at(AT_FDCWD, parent.c_str(), O_RDONLY | O_DIRECTORY);
    if (!folder) return folder.error();
    return posix::checked(::fsync(folder->number()));
}

}  // namespace

Result<std::string> read_file(const std::filesystem::path& file) {
    const auto opened =
        posix::open_at(AT_FDCWD, file.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (!opened) {
        // Of a socket, or of a FIFO that nobody writes to.
        const bool is_special = opened.error() == std::errc::no_such_device_or_address;
        return is_special ? std::errc::invalid_argument : opened.error();
    }
    struct stat found {};
    if (::fstat(opened->number(), &found) != 0) return last_error();
    if (S_ISDIR(found.st_mode)) return std::errc::is_a_directory;
    if (!S_ISREG(found.st_mode)) return std::errc::invalid_argument;
    std::string text;
    std::array<char, std::size_t{1} << 16> buffer;
    for (;;) {
        const auto count = ::read(opened->number(), buffer.data(), buffer.size());
        if (count == 0) return text;
        if (count < 0 && errno != EINTR) return last_error();
        if (count > 0) text.append(buffer.data(), static_cast<std::size_t>(count));
        if (text.size() > bytes_max) return std::errc::file_too_large;
    }
}

std::string read_file_if_there(const std::filesystem::path& file) {
    auto text = read_file(file);
    if (text) return *std::move(text);
    if (text.error() == std::errc::no_such_file_or_directory) return {};
    throw std::system_error{std::make_error_code(text.error()), file.string() + " can't be read"};
}

std::error_code replace_file(const std::filesystem::path& file, const std::string& text) {
    const auto outcome = replace(file, text);
    return outcome ? std::error_code{} : std::make_error_code(outcome.error());
}

}  // namespace berth::vfs
