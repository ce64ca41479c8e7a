// What is known of the addresses that calls come from. Anybody can send a datagram in another's
// name, so an address that only datagrams came from has little credit: it is not answered at length
// until it has shown that it gets the replies, and the server's own calls to it are fewer and
// shorter than what came from it. Shared by all sockets; locks itself, never for long.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <mutex>

#include "rpc/endpoint.hpp"

namespace berth::rpc {

class Correspondents {
public:
    using Clock = std::chrono::steady_clock;

    /// A reply to an address that has shown nothing is at most so many times as long as the call.
    static constexpr std::size_t reply_factor_max = 10;
    /// So many calls in a row must each continue where the reply before it ended.
    static constexpr unsigned links_wanted = 3;
    /// How long what was shown is believed, and how long credit is kept.
    static constexpr std::chrono::minutes shown_lasts{10};
    static constexpr std::chrono::hours credit_lasts{24};
    /// Beyond it the address that was heard longest ago is forgotten, but none with connections.
    static constexpr std::size_t addresses_max = 4096;
    /// Credit that is saved up: what comes later counts for nothing until some has been spent.
    static constexpr std::size_t credit_bytes_max = std::size_t{64} << 10;
    static constexpr std::size_t credit_datagrams_max = 256;

    explicit Correspondents(std::function<Clock::time_point()> now = Clock::now);
    Correspondents(const Correspondents&) = delete;
    Correspondents& operator=(const Correspondents&) = delete;
    ~Correspondents();

    /// A datagram has come. Gives how long the reply may be.
    std::size_t heard(const Address& from, std::size_t bytes);

    /// A TCP connection is there: nobody makes one in another's name. Ends with the object.
    class Connection {
    public:
        Connection(Correspondents& all, const Address& peer);
        Connection(const Connection&) = delete;
        Connection& operator=(const Connection&) = delete;
        ~Connection();

    private:
        Correspondents& all_;
        const Address peer_;
    };

    // --- how a caller shows that it gets replies: it takes up something that it can have from one
    // alone. A reply gives it `token`, which nobody can guess; the next call brings it back.

    /// Where in a chain of such calls this one stands: 0 when the token was not given out.
    [[nodiscard]] unsigned taken_up(const Address& from, std::uint64_t token);
    /// The reply to a call at that place of a chain gives out the next token.
    void given_out(const Address& to, std::uint64_t token, unsigned link);

    /// Whether the server may now send so much to an address of its own accord; if so, that is
    /// taken from its credit. Always where there are, or were within a day, connections.
    [[nodiscard]] bool spend(const Address& to, std::size_t datagrams, std::size_t bytes);

private:
    struct Token {
        std::uint64_t token = 0;
        unsigned link = 0;  ///< 0: none
    };
    struct Entry {
        std::size_t connections = 0;
        Clock::time_point heard_at;
        Clock::time_point connected_until;
        Clock::time_point shown_until;
        std::size_t credit_bytes = 0;
        std::size_t credit_datagrams = 0;
        std::array<Token, 32> tokens{};  ///< the oldest is replaced
        std::size_t next_token = 0;
        std::list<Address>::iterator place;
    };

    Entry& entry_of(const Address& address, Clock::time_point now);
    void make_room();
    void connected(const Address& peer);
    void disconnected(const Address& peer);

    const std::function<Clock::time_point()> now_;
    std::mutex lock_;
    std::map<Address, Entry> entries_;
    std::list<Address> order_;  // heard longest ago first
};

}  // namespace berth::rpc
