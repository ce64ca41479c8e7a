// Listens, and runs calls: K network threads, each with its own connections, and a pool of workers
// for calls that may block. A call runs to completion on the network thread that read it unless it
// could block. Made, listened, started and stopped by one owner; nothing here is called by
// handlers.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include <boost/assert/source_location.hpp>
#include <boost/system/result.hpp>

#include "rpc/correspondents.hpp"
#include "rpc/dispatcher.hpp"
#include "rpc/endpoint.hpp"
#include "rpc/record.hpp"

namespace berth::rpc {

struct ServerOptions {
    unsigned network_threads = 0;  ///< 0: one per core
    unsigned workers = 64;
    std::size_t connections_max = 20'000;
    /// Per connection; past either it is not read from until calls have been answered and replies
    /// have left.
    std::size_t calls_in_flight_max = 256;
    std::size_t bytes_in_flight_max = std::size_t{16} << 20;
    RecordReader::Limits records;
    /// Memory kept for later calls instead of being given back to the system.
    std::size_t pooled_bytes_max = std::size_t{32} << 20;
    /// What is known of callers' addresses, to share it; without, the server has its own.
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
        Binding binding;  ///< which could not be had
    };
    /// Binds all of them or none; calls are taken from start() on. Gives what was bound, in the
    /// same order. IPv6 listeners take IPv6 only. The dispatcher outlives the server.
    boost::system::result<std::vector<Binding>, BindError> listen(std::span<const Binding> wanted,
                                                                  Dispatcher& dispatcher);

    void start();

    /// Accepts nothing more, lets calls in flight finish and their replies leave, then closes.
    /// False: `patience` ran out with threads still inside calls (a stuck disk). It may be called
    /// again to see whether they have ended; until then the process can only be left by std::_Exit,
    /// because the destructor waits for them.
    [[nodiscard]] bool stop(std::chrono::milliseconds patience);

    struct Statistics {
        std::size_t connections = 0;
        std::size_t calls_waiting = 0;  ///< for a worker
    };
    [[nodiscard]] Statistics statistics() const;

private:
    boost::system::result<Endpoint> listen_one(const Binding& binding, Dispatcher& dispatcher);

    struct Parts;
    std::unique_ptr<Parts> parts_;
};

/// What value() of a failed listen() throws: a std::system_error.
[[noreturn]] void throw_exception_from_error(const Server::BindError& error,
                                             const boost::source_location& where);

}  // namespace berth::rpc
