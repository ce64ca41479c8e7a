// The operator's way in: a unix socket in the state directory, for root and the user that berth
// runs as. A request is one line, the answer is text, and the connection ends with it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <mutex>
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

    /// Takes no more requests. False: an answer was still under way after `patience`; then the
    /// destructor waits for it.
    [[nodiscard]] bool stop(std::chrono::milliseconds patience);

private:
    void run();
    void serve_all() const;
    void serve(int connection) const;

    const std::filesystem::path path_;
    const Answer answer_;
    int listening_ = -1;
    int ending_ = -1;  ///< an eventfd
    std::mutex lock_;
    std::condition_variable ended_;
    bool has_ended_ = false;
    std::thread thread_;
};

/// Asks the server whose socket that is. Throws std::runtime_error with a sentence for the user
/// when none answers.
std::string ask_server(const std::filesystem::path& socket, const std::string& request);

}  // namespace berth::server
