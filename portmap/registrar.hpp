// Registers with the machine's own rpcbind, where that has port 111. Remembers exactly what it has
// set, to unset exactly that. Blocking; used by one thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "portmap/registry.hpp"
#include "rpc/client.hpp"

namespace berth::portmap {

class Registrar {
public:
    /// A client of rpcbind version 4 that has been answered; called again for what is to be done
    /// later, since rpcbind hangs up on the idle. Null, and the reason for the log, when there is
    /// none.
    using Open = std::function<std::unique_ptr<rpc::Client>(std::string& reason)>;
    /// Whether a server answers at a registered address.
    using IsAlive = std::function<bool(const Registration& there)>;

    /// Finds the rpcbind of this machine. Root calls it from a reserved port: what it sets then,
    /// other users can't unset. On failure gives the reason, for the log.
    static std::unique_ptr<Registrar> connect(std::string& reason);

    /// For an rpcbind that is found in another way.
    static std::unique_ptr<Registrar> connect(Open open, IsAlive is_alive, std::string& reason);

    Registrar(const Registrar&) = delete;
    Registrar& operator=(const Registrar&) = delete;
    ~Registrar() { remove_all(); }

    /// `what` is bound already. So an entry with its key and port is a crashed server's, and is
    /// replaced; so is one with another port if nobody is there. False: a living server is
    /// registered under this key, or rpcbind refused.
    bool add(const Registration& what);

    /// Unsets what add() has set and nobody else has replaced.
    void remove_all();

private:
    struct Known {
        std::uint32_t program;
        std::uint32_t version;
        std::string netid;
        std::string address;
    };

    Registrar(Open open, IsAlive is_alive)
        : open_(std::move(open)),
          is_alive_(std::move(is_alive)) {}

    bool reopen(std::string& reason);
    [[nodiscard]] const Known* find(const Registration& key) const;
    [[nodiscard]] bool is_stale(const Known& known, const Registration& what) const;
    void unset(const Registration& what);

    Open open_;
    IsAlive is_alive_;
    std::unique_ptr<rpc::Client> client_;
    std::vector<Known> table_;  // rpcbind's, as it was when the client was made
    std::vector<Registration> added_;
};

}  // namespace berth::portmap
