// The operator's way in: a unix socket in the state directory, for root and the user that berth
// runs as. A request is one line, the answer is text, and the connection ends with it.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <thread>

namespace berth::server {

/// In the state directory.
inline constexpr std::string_view admin_socket_name = "admin.sock";

class AdminSocket {
public:
    /// The answer to one request; called on the socket's own thread.
    using Answer = std::function<std::string(std::string_view request)>;

    static constexpr std::size_t request_bytes_max = 4096;

    /// Takes the place of a socket that a dead server has left. Where it can't be had, the server
    /// goes on without, and the log says so.
    AdminSocket(const std::filesystem::path& path, Answer answer);
    AdminSocket(const AdminSocket&) = delete;
    AdminSocket& operator=(const AdminSocket&) = delete;
    ~AdminSocket();

private:
    void run() const;
    void serve(int connection) const;

    const std::filesystem::path path_;
    const Answer answer_;
    int listening_ = -1;
    int ending_ = -1;  ///< an eventfd
    std::thread thread_;
};

/// Asks the server whose socket that is. Throws std::runtime_error with a sentence for the user
/// when none answers.
std::string ask_server(const std::filesystem::path& socket, const std::string& request);

}  // namespace berth::server
