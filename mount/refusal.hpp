// Why a mount is refused, and the log lines about mounts. Each refusal is one line for the
// administrator: who, what, which entry, why.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>

#include "mount/protocol.hpp"
#include "rpc/call.hpp"

namespace berth::mount {

struct Refusal {
    enum class Why : std::uint8_t {
        malformed,       ///< no path that can be exported
        not_exported,    ///< no export contains it
        unlisted,        ///< no entry of the exports that contain it is for this client
        insecure_port,   ///< the entry wants a port below 1024
        unknown_client,  ///< the name service does not say who calls: ask again
        hidden,          ///< it lies in a file system that is mounted in the export, and hidden
        unusable,        ///< something is wrong on the way
    };

    Status status{};
    Why why{};
    std::string way;     ///< "it leads to /elsewhere: ", if links do
    std::string entry;   ///< that decides, as exports::reasons has it; empty if none does
    std::string detail;  ///< in words
};

/// What the protocol has for such an error.
[[nodiscard]] Status to_status(std::errc error) noexcept;

/// All three write one line, or none where the log has had enough of them. Any thread.
void tell_accepted(const rpc::Call& call, std::string_view path, const std::string& entry) noexcept;
void tell_refused(const rpc::Call& call, std::string_view path, const Refusal& refusal) noexcept;
/// The path can be mounted, but not by the version of MOUNT that the client asks.
void tell_too_old(const rpc::Call& call, std::string_view path) noexcept;

}  // namespace berth::mount
