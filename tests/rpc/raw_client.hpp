// A client that sends the bytes it is told to: over TCP or UDP, never waiting longer than a test's
// patience.
#pragma once

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "rpc/endpoint.hpp"
#include "tests/support/becomes_true.hpp"
#include "tests/support/bytes.hpp"
#include "tests/support/gate.hpp"

namespace berth::rpc {

using test::becomes_true;

class Socket {
public:
    /// `source`: the address to call from, instead of what the system picks.
    Socket(int type, const Endpoint& server, std::optional<int> receive_bytes = {},
           const std::optional<Address>& source = {})
        : number_(::socket(server.address.v6 ? AF_INET6 : AF_INET, type | SOCK_CLOEXEC, 0)) {
        if (receive_bytes)
            ::setsockopt(number_, SOL_SOCKET, SO_RCVBUF, &*receive_bytes, sizeof *receive_bytes);
        sockaddr_storage storage{};
        auto& address = reinterpret_cast<sockaddr&>(storage);
        if (source) {
            const auto source_size = static_cast<socklen_t>(Endpoint{*source, 0}.to(address));
            if (::bind(number_, &address, source_size) != 0) {
                close();
                throw std::runtime_error{"can't call from " + source->text()};
            }
        }
        const auto size = static_cast<socklen_t>(server.to(address));
        if (::connect(number_, &address, size) != 0) {
            close();
            throw std::runtime_error{"no connection to " + server.text()};
        }
    }
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;
    ~Socket() { close(); }

    void send(std::span<const std::byte> bytes) {
        while (!bytes.empty()) {
            const auto count = ::send(number_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (count <= 0) throw std::runtime_error{"sending failed"};
            bytes = bytes.subspan(static_cast<std::size_t>(count));
        }
    }
    /// As much as goes without waiting.
    void send_what_fits(std::span<const std::byte> bytes) {
        while (!bytes.empty()) {
            const auto count =
                ::send(number_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
            if (count <= 0) return;
            bytes = bytes.subspan(static_cast<std::size_t>(count));
        }
    }
    /// What one receive gives; empty at the end of a stream, or when it was reset.
    std::vector<std::byte> receive(std::size_t bytes_max = 65536) {
        if (!is_readable(test::patience)) throw std::runtime_error{"nothing came"};
        std::vector<std::byte> bytes(bytes_max);
        const auto count = ::recv(number_, bytes.data(), bytes.size(), 0);
        bytes.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
        return bytes;
    }
    bool is_readable(std::chrono::milliseconds within) const {
        pollfd wanted{number_, POLLIN, 0};
        return ::poll(&wanted, 1, static_cast<int>(within.count())) > 0;
    }

    void end_sending() { ::shutdown(number_, SHUT_WR); }
    void close() {
        if (number_ >= 0) ::close(std::exchange(number_, -1));
    }
    /// Closes so that the server is sent a reset.
    void reset() {
        const linger at_once{.l_onoff = 1, .l_linger = 0};
        ::setsockopt(number_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        close();
    }

private:
    int number_;
};

inline std::uint32_t xid_of(std::span<const std::byte> message) {
    return xdr::Reader{message}.u32();
}

/// Records over TCP.
class RawClient {
public:
    explicit RawClient(const Endpoint& server, std::optional<int> receive_bytes = {},
                       const std::optional<Address>& source = {})
        : socket(SOCK_STREAM, server, receive_bytes, source) {}

    static std::vector<std::byte> record(std::span<const std::byte> message) {
        xdr::Writer out;
        out.u32(0x80000000U | static_cast<std::uint32_t>(message.size()));
        auto bytes = out.flat();
        bytes.insert(bytes.end(), message.begin(), message.end());
        return bytes;
    }
    void call(std::span<const std::byte> message) { socket.send(record(message)); }

    /// The next reply; empty when the connection has ended.
    std::vector<std::byte> reply() {
        constexpr std::size_t mark_bytes = 4;
        if (!fill(mark_bytes)) return {};
        const auto mark = xdr::Reader{std::span{received_}.first(mark_bytes)}.u32();
        const auto size = mark_bytes + (mark & 0x7FFFFFFF);
        if (!fill(size)) throw std::runtime_error{"the connection ended within a reply"};
        const auto end = received_.begin() + static_cast<std::ptrdiff_t>(size);
        std::vector<std::byte> bytes(received_.begin() + mark_bytes, end);
        received_.erase(received_.begin(), end);
        return bytes;
    }

    Socket socket;

private:
    bool fill(std::size_t size) {
        while (received_.size() < size) {
            const auto more = socket.receive();
            if (more.empty()) return false;
            received_.insert(received_.end(), more.begin(), more.end());
        }
        return true;
    }

    std::vector<std::byte> received_;
};

}  // namespace berth::rpc
