// Registers with the machine's own rpcbind if that has port 111. Unsets exactly what it has set.
// Blocking; one thread uses it.
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
    /// Returns a client of rpcbind version 4 that has answered a call. Called again for later work,
    /// because rpcbind closes idle connections. Null if there is none; `reason` is then for the
    /// log.
    using Open = std::function<std::unique_ptr<rpc::Client>(std::string& reason)>;
    /// Whether a server answers at a registered address.
    using IsAlive = std::function<bool(const Registration& there)>;

    /// Finds this machine's rpcbind. As root it calls from a reserved port, so that other users
    /// can't unset what it sets. On failure `reason` is for the log.
    static std::unique_ptr<Registrar> connect(std::string& reason);

    /// For an rpcbind that was found in another way.
    static std::unique_ptr<Registrar> connect(Open open, IsAlive is_alive, std::string& reason);

    Registrar(const Registrar&) = delete;
    Registrar& operator=(const Registrar&) = delete;
    ~Registrar() { remove_all(); }

    /// `what` is bound already. So an entry with its key and port belongs to a crashed server and
    /// is replaced; an entry with another port is replaced if nobody answers there. False: a living
    /// server has registered this key, or rpcbind refused.
    bool add(const Registration& what);

    /// Unsets what add() has set, unless others have replaced it.
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
    std::vector<Known> table_;  // rpcbind's, from when the client was made
    std::vector<Registration> added_;
};

}  // namespace berth::portmap
