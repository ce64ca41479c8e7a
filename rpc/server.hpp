// Listens, and runs calls: K network threads, each with its own connections, and a pool of workers
// for calls that may block. A call runs to completion on the network thread that read it unless it
// could block. One owner constructs the server and calls listen, start and stop; handlers call
// nothing here.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include <boost/assert/source_location.hpp>
#include <boost/system/result.hpp>

#include "rpc/budget.hpp"
#include "rpc/correspondents.hpp"
#include "rpc/dispatcher.hpp"
#include "rpc/endpoint.hpp"
#include "rpc/record.hpp"

namespace berth::rpc {

struct ServerOptions {
    unsigned network_threads = 0;  ///< 0: one per core
    /// Calls to one place (Program) leave a third of the workers to others, as do calls of one
    /// client.
    unsigned workers = 96;
    /// When no call to a place has returned for this long, calls that would have to wait for the
    /// place are told to come later.
    std::chrono::milliseconds silent_after{10'000};
    /// Per connection; past either limit the server reads no more from it until calls have been
    /// answered and replies have left.
    std::size_t calls_in_flight_max = 256;
    std::size_t bytes_in_flight_max = std::size_t{16} << 20;
    RecordReader::Limits records;
    /// A connection ends when it has neither calls nor replies and has moved no byte for this long;
    /// 0: never.
    std::chrono::seconds idle_max{360};
    /// The limit for all connections together; without it, the server has its own.
    std::shared_ptr<Budget> budget;
    /// The knowledge about callers' addresses, if shared; without it, the server has its own.
    std::shared_ptr<Correspondents> correspondents;
};

class Server {
public:
    explicit Server(const ServerOptions& options);
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;
    ~Server();

    struct Binding {
        Transport transport = Transport::tcp;
        Endpoint endpoint;  ///< port 0 picks one
    };
    struct BindError {
        boost::system::error_code code;
        Binding binding;  ///< the one that failed
    };
    /// Binds all of them or none; calls are taken from start() on. Returns what was bound, in the
    /// same order. IPv6 listeners take IPv6 only. The dispatcher outlives the server.
    boost::system::result<std::vector<Binding>, BindError> listen(std::span<const Binding> wanted,
                                                                  Dispatcher& dispatcher);

    void start();

    /// Accepts nothing more, lets calls in flight finish and their replies leave, then closes.
    /// False: `patience` ran out with threads still inside calls (a stuck disk). The owner may call
    /// it again to see whether they have ended; until they have, the process can only exit by
    /// std::_Exit, because the destructor waits for them.
    [[nodiscard]] bool stop(std::chrono::milliseconds patience);

    /// Whether every network thread takes up new work within `patience`. For between start() and
    /// stop().
    [[nodiscard]] bool answers(std::chrono::milliseconds patience);

    struct Statistics {
        std::size_t connections = 0;
        std::size_t calls_waiting = 0;  ///< for a worker
        std::size_t silent_places = 0;  ///< from which no call has returned for some time
    };
    [[nodiscard]] Statistics statistics() const;

private:
    boost::system::result<Endpoint> listen_one(const Binding& binding, Dispatcher& dispatcher);

    struct Parts;
    std::unique_ptr<Parts> parts_;
};

/// value() of a failed listen() throws this: a std::system_error.
[[noreturn]] void throw_exception_from_error(const Server::BindError& error,
                                             const boost::source_location& where);

}  // namespace berth::rpc
