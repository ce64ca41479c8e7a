// A server that does what a test's script says, on its own thread.
#pragma once

#include <functional>
#include <memory>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "rpc/endpoint.hpp"
#include "tests/support/bytes.hpp"
#include "tests/support/gate.hpp"

namespace berth::rpc {

/// A connection, or the socket that all datagrams come to. What it waits for must come in time.
class FakePeer {
public:
    explicit FakePeer(int number) : number_(number) {}
    FakePeer(FakePeer&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
    FakePeer& operator=(FakePeer&&) = delete;
    ~FakePeer() {
        if (number_ >= 0) ::close(number_);
    }

    [[nodiscard]] int number() const { return number_; }

    /// The next record (of one fragment); empty at the end of the connection.
    std::vector<std::byte> record() {
        const auto mark = exactly(4);
        if (mark.empty()) return {};
        return exactly(xdr::Reader{mark}.u32() & 0x7FFFFFFF);
    }
    void send_record(std::span<const std::byte> message) {
        xdr::Writer mark;
        mark.u32(0x80000000U | static_cast<std::uint32_t>(message.size()));
        send(mark.flat());
        send(message);
    }
    void send(std::span<const std::byte> bytes) {
        if (::send(number_, bytes.data(), bytes.size(), MSG_NOSIGNAL) < 0)
            throw std::runtime_error{"sending failed"};
    }

    /// The next datagram; replies go to where it came from.
    std::vector<std::byte> datagram() {
        await();
        std::vector<std::byte> bytes(65536);
        client_size_ = sizeof client_;
        const auto count = ::recvfrom(number_, bytes.data(), bytes.size(), 0,
                                      reinterpret_cast<sockaddr*>(&client_), &client_size_);
        bytes.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
        return bytes;
    }
    void send_datagram(std::span<const std::byte> bytes) {
        ::sendto(number_, bytes.data(), bytes.size(), 0, reinterpret_cast<sockaddr*>(&client_),
                 client_size_);
    }
    [[nodiscard]] Endpoint client() const {
        return Endpoint::from(reinterpret_cast<const sockaddr&>(client_));
    }

    FakePeer accept() {
        await();
        return FakePeer{::accept(number_, nullptr, nullptr)};
    }
    [[nodiscard]] bool is_readable(std::chrono::milliseconds within) const {
        pollfd wanted{number_, POLLIN, 0};
        return ::poll(&wanted, 1, static_cast<int>(within.count())) > 0;
    }

private:
    void await() const {
        if (!is_readable(test::patience)) throw std::runtime_error{"nothing came"};
    }
    std::vector<std::byte> exactly(std::size_t size) {
        std::vector<std::byte> bytes(size);
        for (std::size_t got = 0; got < size;) {
            await();
            const auto count = ::recv(number_, bytes.data() + got, size - got, 0);
            if (count <= 0) return {};
            got += static_cast<std::size_t>(count);
        }
        return bytes;
    }

    int number_;
    sockaddr_storage client_{};
    socklen_t client_size_ = 0;
};

class FakeServer {
public:
    using Script = std::function<void(FakePeer&)>;

    /// The script gets the listening or the datagram socket.
    FakeServer(Transport transport, Script script)
        : peer_(::socket(AF_INET,
                         (transport == Transport::tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC,
                         0)) {
        sockaddr_storage storage{};
        auto& address = reinterpret_cast<sockaddr&>(storage);
        socklen_t size = sizeof storage;
        const Endpoint any_port{.address = *Address::parse("127.0.0.1"), .port = 0};
        if (::bind(peer_.number(), &address, static_cast<socklen_t>(any_port.to(address))) != 0 ||
            ::getsockname(peer_.number(), &address, &size) != 0)
            throw std::runtime_error{"no socket"};
        endpoint_ = Endpoint::from(address);
        if (transport == Transport::tcp) ::listen(peer_.number(), 16);
        thread_ = std::jthread{[this, script = std::move(script)] { script(peer_); }};
    }

    [[nodiscard]] const Endpoint& endpoint() const { return endpoint_; }
    /// Waits for the end of the script.
    void join() { thread_.join(); }

private:
    FakePeer peer_;
    Endpoint endpoint_;
    std::jthread thread_;
};

}  // namespace berth::rpc
