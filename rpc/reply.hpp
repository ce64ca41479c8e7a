// The bytes of replies — RFC 5531 §9: headers, refusals, and the results that follow a header.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "rpc/message.hpp"

namespace berth::rpc {

struct Exchange;

/// Each of these overwrites the exchange's reply, with the xid of its call.
void write_accepted(Exchange& exchange, AcceptedBody body);
void write_accepted(Exchange& exchange, AcceptStatus status);
void write_denied(Exchange& exchange, RejectedReply body);
void write_denied(Exchange& exchange, AuthStatus status);
/// Writes the header of a reply; its results are to be written next.
void write_success_header(Exchange& exchange);

/// The reply's bytes, copied into the call's memory if some are only referenced. Valid until the
/// reply is written to.
[[nodiscard]] std::span<const std::byte> in_one_piece(Exchange& exchange);

/// The reply of a call that has ended, for interceptors that inspect or change it.
class Reply {
public:
    explicit Reply(Exchange& exchange) noexcept : exchange_(exchange) {}
    Reply(const Reply&) = delete;
    Reply& operator=(const Reply&) = delete;

    /// The length of the RPC message; 0: there is none.
    [[nodiscard]] std::size_t bytes() const noexcept;
    /// Empty if the call was denied or has no reply.
    [[nodiscard]] std::optional<AcceptStatus> accept_status() const noexcept;
    /// The protocol's own status, for results that have one: an nfsstat3, mountstat3 or nlm4_stats.
    [[nodiscard]] std::optional<std::uint32_t> status();
    /// The bytes after the header of a successful reply, otherwise null. Valid until replace(), or
    /// until the exchange is reset.
    [[nodiscard]] std::span<const std::byte> results();
    /// Replaces the results by a copy of these; the reply then says success.
    void replace(std::span<const std::byte> results);

private:
    Exchange& exchange_;
};

}  // namespace berth::rpc
