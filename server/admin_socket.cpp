#include "server/admin_socket.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <stdexcept>
#include <system_error>
#include <tuple>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/filesystem/path.hpp>
#include <spdlog/spdlog.h>

#include "nfs/vfs/descriptor.hpp"

namespace berth::server {
namespace {

/// A client that connects and then sends nothing is disconnected after this time.
constexpr timeval silence_at_most{.tv_sec = 5, .tv_usec = 0};

/// The address of a socket, however long its path is: a longer one than fits is reached through a
/// descriptor of its directory.
class SocketAddress {
public:
    explicit SocketAddress(const boost::filesystem::path& path) {
        address_.sun_family = AF_UNIX;
        if (set(path.native())) return;
        directory_ =
            vfs::Descriptor{::open(path.parent_path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
        set("/proc/self/fd/" + std::to_string(directory_.number()) + "/" +
            path.filename().string());
    }

    [[nodiscard]] const sockaddr* get() const {
        return reinterpret_cast<const sockaddr*>(&address_);
    }
    static constexpr socklen_t bytes = sizeof(sockaddr_un);

private:
    bool set(const std::string& path) {
        if (path.size() >= sizeof address_.sun_path) return false;
        std::memcpy(address_.sun_path, path.c_str(), path.size() + 1);
        return true;
    }

    sockaddr_un address_{};
    vfs::Descriptor directory_;
};

std::string reason_of(int number) {
    return std::error_code{number, std::generic_category()}.message();
}

int connect_to(const boost::filesystem::path& path) {
    const SocketAddress address{path};
    const int number = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (number < 0) return -1;
    ::setsockopt(number, SOL_SOCKET, SO_RCVTIMEO, &silence_at_most, sizeof silence_at_most);
    if (::connect(number, address.get(), SocketAddress::bytes) == 0) return number;
    const int failed = errno;
    ::close(number);
    errno = failed;
    return -1;
}

/// Returns -1 and sets errno on failure.
int listen_at(const boost::filesystem::path& path) {
    const SocketAddress address{path};
    ::unlink(path.c_str());
    const int number = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (number < 0) return -1;
    constexpr int backlog = 8;
    // bind() takes the mode of the new name from the socket. Setting it by path could change a file
    // that has taken the socket's place.
    const bool listens = ::fchmod(number, S_IRUSR | S_IWUSR) == 0 &&
                         ::bind(number, address.get(), SocketAddress::bytes) == 0 &&
                         ::listen(number, backlog) == 0;
    if (listens) return number;
    const int failed = errno;
    ::close(number);
    errno = failed;
    return -1;
}

bool send_all(int connection, std::string_view text) {
    while (!text.empty()) {
        const auto sent = ::send(connection, text.data(), text.size(), MSG_NOSIGNAL);
        if (sent <= 0) return false;
        text.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
}

}  // namespace

AdminSocket::AdminSocket(const boost::filesystem::path& path, Answer answer)
    : path_(path),
      answer_(std::move(answer)),
      listening_(listen_at(path)) {
    if (listening_ < 0) {
        spdlog::warn("{}: can't listen there ({}): 'berth locks' won't work", path.string(),
                     reason_of(errno));
        return;
    }
    ending_ = ::eventfd(0, EFD_CLOEXEC);
    thread_ = threads::Background{"admin", [this](const auto&) { serve_all(); }};
}

AdminSocket::~AdminSocket() {
    if (!thread_) return;
    std::ignore = stop({});
    thread_ = {};
    ::unlink(path_.c_str());
    ::close(listening_);
    ::close(ending_);
}

bool AdminSocket::stop(std::chrono::milliseconds patience) {
    if (!thread_) return true;
    ::eventfd_write(ending_, 1);
    return thread_.stop(patience);
}

void AdminSocket::serve_all() const {
    constexpr int pause_ms = 200;  // while there are no descriptors
    for (bool pauses = false;;) {
        // ending_ comes first: during a pause it is the only one that is polled.
        std::array<pollfd, 2> waited{{{ending_, POLLIN, 0}, {listening_, POLLIN, 0}}};
        if (::poll(waited.data(), pauses ? 1 : waited.size(), pauses ? pause_ms : -1) < 0) continue;
        if (waited[0].revents != 0) return;
        if (std::exchange(pauses, false)) continue;
        const vfs::Descriptor connection{::accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC)};
        if (!connection) {
            pauses = true;
            continue;
        }
        for (const int which : {SO_RCVTIMEO, SO_SNDTIMEO})
            ::setsockopt(connection.number(), SOL_SOCKET, which, &silence_at_most,
                         sizeof silence_at_most);
        serve(connection.number());
    }
}

void AdminSocket::serve(int connection) const {
    std::array<char, request_bytes_max> buffer;
    std::size_t count = 0;
    while (count < buffer.size()) {
        const auto got = ::recv(connection, buffer.data() + count, buffer.size() - count, 0);
        if (got <= 0) return;
        count += static_cast<std::size_t>(got);
        const std::string_view text{buffer.data(), count};
        if (const auto end = text.find('\n'); end != std::string_view::npos) {
            send_all(connection, answer_(text.substr(0, end)));
            return;
        }
    }
}

std::string ask_server(const boost::filesystem::path& socket, const std::string& request) {
    if (request.size() >= AdminSocket::request_bytes_max)
        throw std::runtime_error("that is too long: a request has at most " +
                                 std::to_string(AdminSocket::request_bytes_max - 1) + " bytes");
    const vfs::Descriptor connection{connect_to(socket)};
    if (!connection && errno == EACCES)
        throw std::runtime_error("this user may not ask the berth at " + socket.string() +
                                 "; ask as root, or as the user that it runs as");
    if (!connection)
        throw std::runtime_error("no berth answers at " + socket.string() + " (" +
                                 reason_of(errno) + "); --state names another state directory");
    std::string answer;
    if (send_all(connection.number(), request + "\n")) {
        std::array<char, 4096> buffer;
        for (;;) {
            const auto got = ::recv(connection.number(), buffer.data(), buffer.size(), 0);
            if (got <= 0) break;
            answer.append(buffer.data(), static_cast<std::size_t>(got));
        }
    }
    if (answer.empty()) throw std::runtime_error("berth did not answer at " + socket.string());
    return answer;
}

}  // namespace berth::server
