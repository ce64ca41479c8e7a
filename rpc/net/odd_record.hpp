// A reply that leaves over TCP in a manner of its own: in several fragments, in small or slow
// pieces, or cut off. Only the connection's thread uses it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "rpc/budget.hpp"
#include "rpc/interceptor.hpp"
#include "rpc/net/record_sender.hpp"

namespace berth::rpc::net {

class OddRecord {
public:
    /// `then` is what happens to the connection afterwards: send means nothing.
    OddRecord(const xdr::Writer& message, const Manner& manner, Departure::Act then);

    enum class Step : std::uint8_t {
        done,
        again,        ///< other connections may have their turn first
        paused,       ///< for pause()
        would_block,  ///< until the socket takes more
        must_wait,    ///< until the reply that a worker has begun is in the outbox
        failed,
    };
    Step send_some(RecordSender& sender);
    [[nodiscard]] std::chrono::nanoseconds pause() const noexcept { return pause_; }
    [[nodiscard]] Departure::Act then() const noexcept { return then_; }
    /// Counts its memory against the client.
    void charge(const Budget::AccountPtr& account) noexcept {
        share_ = Budget::Share{account, bytes_.capacity()};
    }

private:
    [[nodiscard]] std::size_t next_bytes() const noexcept;

    const Manner manner_;
    const Departure::Act then_;
    std::vector<std::byte> bytes_;
    std::size_t sent_ = 0;
    std::chrono::nanoseconds pause_{0};
    Budget::Share share_;
};

}  // namespace berth::rpc::net
