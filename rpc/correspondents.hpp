// The server's knowledge about the addresses that calls come from. Anybody can forge a datagram's
// source address, so an address known from datagrams alone gets little credit: replies to it stay
// short until it has proved that it receives them, and the server's own calls to it are fewer and
// shorter than what it has sent. All sockets share the object; it locks itself, never for long.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <mutex>

#include <boost/thread/synchronized_value.hpp>

#include "rpc/endpoint.hpp"

namespace berth::rpc {

class Correspondents {
public:
    using Clock = std::chrono::steady_clock;

    /// A reply to an address that has proved nothing is at most this many times as long as the
    /// call.
    static constexpr std::size_t reply_factor_max = 10;
    /// This many calls in a row must each continue where the reply before it ended.
    static constexpr unsigned links_wanted = 3;
    /// How long a proof counts, and how long credit is kept.
    static constexpr std::chrono::minutes shown_lasts{10};
    static constexpr std::chrono::hours credit_lasts{24};
    /// Beyond this, the address not heard from for longest is forgotten, unless it has connections.
    static constexpr std::size_t addresses_max = 4096;
    /// The most credit that is saved up; further datagrams add nothing until some has been spent.
    static constexpr std::size_t credit_bytes_max = std::size_t{64} << 10;
    static constexpr std::size_t credit_datagrams_max = 256;

    explicit Correspondents(std::function<Clock::time_point()> now = Clock::now);
    Correspondents(const Correspondents&) = delete;
    Correspondents& operator=(const Correspondents&) = delete;
    ~Correspondents();

    /// A datagram has arrived. Returns how long the reply may be.
    std::size_t heard(const Address& from, std::size_t bytes);

    /// A TCP connection exists, which nobody can forge. It counts until the object is destroyed.
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

    // --- How a caller proves that it receives replies: it continues something that only a reply
    // can have given it. A reply carries `token`, which nobody can guess, and the next call brings
    // it back.

    /// The position of this call in a chain of such calls: 0 if the token was not given out.
    [[nodiscard]] unsigned taken_up(const Address& from, std::uint64_t token);
    /// The reply to a call at that position gives out the next token.
    void given_out(const Address& to, std::uint64_t token, unsigned link);

    /// Whether the server may now send this much to an address of its own accord. If so, the amount
    /// is taken from the credit. Always true while there are connections, and for a day after.
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

    struct Known {
        std::map<Address, Entry> entries;
        std::list<Address> order;  // heard from longest ago first

        Entry& entry_of(const Address& address, Clock::time_point now);
        void make_room();
    };

    void connected(const Address& peer);
    void disconnected(const Address& peer);

    const std::function<Clock::time_point()> now_;
    boost::synchronized_value<Known, std::mutex> known_;
};

}  // namespace berth::rpc
