// How clients find the server's port: its own portmapper on port 111, the machine's rpcbind, or
// neither.
#pragma once

#include <memory>
#include <string>

#include "portmap/programs.hpp"
#include "portmap/registrar.hpp"
#include "portmap/registry.hpp"
#include "rpc/dispatcher.hpp"
#include "server/listening.hpp"
#include "server/options.hpp"

namespace berth::server {

class Portmapping {
public:
    /// Adds the portmapper to `dispatcher`, so that it also answers on the main port.
    Portmapping(PortmapMode mode, rpc::Dispatcher& dispatcher);

    /// To be called after all programs are in the dispatcher and it listens, but before the server
    /// starts: takes port 111 or registers with the system's rpcbind, as the mode says. Throws
    /// UsageError if the mode's only way fails.
    void begin(const rpc::Dispatcher& dispatcher, const Listening& listening);
    /// Unregisters everything from the system's rpcbind.
    void end();

    /// Whether clients on other machines can find the port through port 111.
    [[nodiscard]] bool is_known() const noexcept { return is_known_; }

private:
    bool take_port(const Listening& listening);
    void register_with_system(const std::vector<portmap::Registration>& served);
    bool register_all(const std::vector<portmap::Registration>& served);

    PortmapMode mode_;
    portmap::Registry registry_;
    portmap::Services services_{registry_};
    rpc::Dispatcher own_;  // behind port 111: only the portmapper
    std::unique_ptr<portmap::Registrar> registrar_;
    std::string in_the_way_;  ///< why port 111 can't be had, if it is not taken
    bool is_known_ = false;
};

}  // namespace berth::server
