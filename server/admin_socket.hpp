// The operator's interface: a unix socket in the state directory, for root and the user that berth
// runs as. A request is one line, the answer is text; then the connection closes.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>

#include <boost/filesystem/path.hpp>

#include "rpc/threads/background.hpp"

namespace berth::server {

/// Its name in the state directory.
inline constexpr std::string_view admin_socket_name = "admin.sock";

class AdminSocket {
public:
    /// Returns the answer to one request; called on the socket's own thread.
    using Answer = std::function<std::string(std::string_view request)>;

    static constexpr std::size_t request_bytes_max = 8192;

    /// Replaces a socket that a dead server has left. If it can't be made, the server goes on
    /// without it, and the log says so.
    AdminSocket(const boost::filesystem::path& path, Answer answer);
    AdminSocket(const AdminSocket&) = delete;
    AdminSocket& operator=(const AdminSocket&) = delete;
    ~AdminSocket();

    /// Takes no more requests. False: an answer was still being made after `patience`; the
    /// destructor then waits for it.
    [[nodiscard]] bool stop(std::chrono::milliseconds patience);

private:
    void serve_all() const;
    void serve(int connection) const;

    const boost::filesystem::path path_;
    const Answer answer_;
    int listening_ = -1;
    int ending_ = -1;  ///< an eventfd
    threads::Background thread_;
};

/// Sends a request to the server behind this socket. Throws std::runtime_error with a sentence for
/// the user if no server answers.
std::string ask_server(const boost::filesystem::path& socket, const std::string& request);

}  // namespace berth::server
