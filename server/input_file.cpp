#include "server/input_file.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/filesystem/path.hpp>

namespace berth::server {
namespace {

/// The mark at the beginning of a text that some editors write (UTF-8 of U+FEFF).
constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

constexpr const char* standard_input = "-";

constexpr std::size_t file_bytes_max = std::size_t{16} << 20;

[[noreturn]] void refuse(const boost::filesystem::path& path, const std::string& why) {
    throw UnreadFile(path, why);
}

class InputFile {
public:
    explicit InputFile(const boost::filesystem::path& path)
        : path_(path),
          number_(::open(path == standard_input ? "/dev/stdin" : path.c_str(),
                         O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)) {
        if (number_ < 0) refuse(path_, std::strerror(errno));
    }
    InputFile(const InputFile&) = delete;
    InputFile& operator=(const InputFile&) = delete;
    ~InputFile() { ::close(number_); }

    [[nodiscard]] mode_t type() const {
        struct stat status {};
        if (::fstat(number_, &status) != 0) refuse(path_, std::strerror(errno));
        return status.st_mode & S_IFMT;
    }

    /// Reads to the end. Each piece has to come within the patience.
    [[nodiscard]] std::string read_all(std::chrono::milliseconds patience) const {
        std::string text;
        std::array<char, 65536> buffer;
        for (;;) {
            await(patience);
            const auto count = ::read(number_, buffer.data(), buffer.size());
            if (count == 0) return text;
            if (count < 0 && (errno == EAGAIN || errno == EINTR)) continue;
            if (count < 0) refuse(path_, std::strerror(errno));
            text.append(buffer.data(), static_cast<std::size_t>(count));
            if (text.size() > file_bytes_max)
                refuse(path_, "larger than 16 MiB, so it is hardly what was meant");
        }
    }

private:
    // A pipe that nobody has opened for writing yet would seem to be at its end.
    void await(std::chrono::milliseconds patience) const {
        pollfd awaited{.fd = number_, .events = POLLIN, .revents = 0};
        int ready = ::poll(&awaited, 1, static_cast<int>(patience.count()));
        while (ready < 0 && errno == EINTR)
            ready = ::poll(&awaited, 1, static_cast<int>(patience.count()));
        if (ready == 0)
            refuse(path_, "it is no regular file, and nothing came out of it within " +
                              std::to_string(patience.count()) + " ms");
    }

    const boost::filesystem::path& path_;
    const int number_;
};

}  // namespace

std::string name_of(const boost::filesystem::path& file) {
    return file == standard_input ? "standard input" : file.string();
}

std::string contents_of(const boost::filesystem::path& path, Reading reading,
                        std::chrono::milliseconds patience) {
    const InputFile file{path};
    const auto type = file.type();
    if (type == S_IFDIR) refuse(path, "it is a directory; expected a file");
    if (reading == Reading::again && type != S_IFREG && type != S_IFCHR)
        refuse(path, "it is no regular file, so it can be read at the start only; name a regular "
                     "file, which SIGHUP has read again");
    const bool may_wait = reading == Reading::at_start || type == S_IFREG;
    auto text = file.read_all(may_wait ? patience : std::chrono::milliseconds{0});
    if (text.starts_with(byte_order_mark)) text.erase(0, byte_order_mark.size());
    return text;
}

}  // namespace berth::server
