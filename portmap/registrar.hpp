// Registers with the machine's own rpcbind, where that has port 111. Remembers exactly what it has
// set, to unset exactly that. Blocking; used by one thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "portmap/registry.hpp"
#include "rpc/client.hpp"

namespace berth::portmap {

class Registrar {
public:
    /// Finds the rpcbind of this machine; rpcbind takes registrations from reserved ports of the
    /// loopback address only, so root alone can register. On failure gives the reason, for the log.
    static std::unique_ptr<Registrar> connect(std::string& reason);
    explicit Registrar(rpc::Client client) : client_(std::move(client)) {}

    /// What a crashed server has left under the same key goes first. False: rpcbind refused; `what`
    /// is registered there by somebody else.
    bool add(const Registration& what);
    /// Unsets all that add() has set.
    void remove_all();

private:
    bool unset(const Registration& what);

    rpc::Client client_;
    std::vector<Registration> added_;
};

}  // namespace berth::portmap
