#include "server/admin_socket.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <stdexcept>
#include <system_error>
#include <utility>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <spdlog/spdlog.h>

namespace berth::server {
namespace {

/// Who connects and then says nothing is not waited for.
constexpr timeval silence_at_most{.tv_sec = 5, .tv_usec = 0};

bool fill(sockaddr_un& address, const std::filesystem::path& path) {
    address.sun_family = AF_UNIX;
    const auto& text = path.native();
    if (text.size() >= sizeof address.sun_path) return false;
    std::memcpy(address.sun_path, text.c_str(), text.size() + 1);
    return true;
}

std::string reason_of(int number) {
    return std::error_code{number, std::generic_category()}.message();
}

int connect_to(const std::filesystem::path& path) {
    sockaddr_un address{};
    if (!fill(address, path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    const int number = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (number < 0) return -1;
    ::setsockopt(number, SOL_SOCKET, SO_RCVTIMEO, &silence_at_most, sizeof silence_at_most);
    if (::connect(number, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
        return number;
    const int failed = errno;
    ::close(number);
    errno = failed;
    return -1;
}

/// -1 with errno.
int listen_at(const std::filesystem::path& path) {
    sockaddr_un address{};
    if (!fill(address, path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    ::unlink(path.c_str());
    const int number = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (number < 0) return -1;
    constexpr int backlog = 8;
    // The mode of the name that bind() makes is the socket's own: by its path it could be that of
    // something else meanwhile.
    const bool listens =
        ::fchmod(number, S_IRUSR | S_IWUSR) == 0 &&
        ::bind(number, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
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

AdminSocket::AdminSocket(const std::filesystem::path& path, Answer answer)
    : path_(path),
      answer_(std::move(answer)),
      listening_(listen_at(path)) {
    if (listening_ < 0) {
        spdlog::warn("{}: can't listen there ({}): 'berth locks' won't work", path.string(),
                     reason_of(errno));
        return;
    }
    ending_ = ::eventfd(0, EFD_CLOEXEC);
    thread_ = std::thread{[this] { run(); }};
}

AdminSocket::~AdminSocket() {
    if (!thread_.joinable()) return;
    static_cast<void>(stop({}));
    thread_.join();
    ::unlink(path_.c_str());
    ::close(listening_);
    ::close(ending_);
}

bool AdminSocket::stop(std::chrono::milliseconds patience) {
    if (!thread_.joinable()) return true;
    const std::uint64_t one = 1;
    static_cast<void>(!::write(ending_, &one, sizeof one));
    std::unique_lock held{lock_};
    return ended_.wait_for(held, patience, [this] { return has_ended_; });
}

void AdminSocket::run() {
    serve_all();
    const std::lock_guard guard{lock_};
    has_ended_ = true;
    ended_.notify_all();
}

void AdminSocket::serve_all() const {
    constexpr int pause_ms = 200;  // while there are no descriptors
    for (bool pauses = false;;) {
        // The end first: all that a pause waits for.
        std::array<pollfd, 2> waited{{{ending_, POLLIN, 0}, {listening_, POLLIN, 0}}};
        if (::poll(waited.data(), pauses ? 1 : waited.size(), pauses ? pause_ms : -1) < 0) continue;
        if (waited[0].revents != 0) return;
        if (std::exchange(pauses, false)) continue;
        const int connection = ::accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC);
        if (connection < 0) {
            pauses = true;
            continue;
        }
        ::setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &silence_at_most, sizeof silence_at_most);
        ::setsockopt(connection, SOL_SOCKET, SO_SNDTIMEO, &silence_at_most, sizeof silence_at_most);
        serve(connection);
        ::close(connection);
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

std::string ask_server(const std::filesystem::path& socket, const std::string& request) {
    const int connection = connect_to(socket);
    if (connection < 0)
        throw std::runtime_error("no berth answers at " + socket.string() + " (" +
                                 reason_of(errno) + "); --state names another state directory");
    std::string answer;
    if (send_all(connection, request + "\n")) {
        std::array<char, 4096> buffer;
        for (;;) {
            const auto got = ::recv(connection, buffer.data(), buffer.size(), 0);
            if (got <= 0) break;
            answer.append(buffer.data(), static_cast<std::size_t>(got));
        }
    }
    ::close(connection);
    if (answer.empty()) throw std::runtime_error("berth did not answer at " + socket.string());
    return answer;
}

}  // namespace berth::server
