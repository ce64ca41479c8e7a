// Names in exports that nobody knows, above all mistyped ones: the log names them when they come
// into force, not only when a client is turned away.
#pragma once

#include <chrono>
#include <span>
#include <stop_token>
#include <vector>

#include "nfs/exports/client_rule.hpp"
#include "nfs/exports/host_directory.hpp"
#include "nfs/exports/table.hpp"
#include "rpc/threads/background.hpp"

namespace berth::server {

/// Asks about the hosts and netgroups that these rules name, each once, and logs a warning for each
/// that is unknown. Returns when it is asked to stop, or when the name service is silent, which is
/// logged too. May take as long as a name server does.
void tell_unknown_names(std::span<const exports::ClientRule> rules, exports::HostDirectory& hosts,
                        const std::stop_token& stop);

/// Does that in the background. One thread at a time uses it.
class NameCheck {
public:
    /// `hosts` outlives this.
    explicit NameCheck(exports::HostDirectory& hosts) : hosts_(hosts) {}

    /// Does nothing while an earlier check waits for the name service, or if the system can't start
    /// a thread, which is logged.
    void begin(const exports::Table& table);
    /// False: the name service still held it up after `patience`.
    [[nodiscard]] bool stop(std::chrono::milliseconds patience) { return thread_.stop(patience); }

private:
    exports::HostDirectory& hosts_;
    threads::Background thread_;
};

}  // namespace berth::server
