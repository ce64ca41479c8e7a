// Record marking over a byte stream — RFC 5531 §11. Bytes go in as they arrive; whole records come
// out in place. A record of one fragment is never moved; later fragments are moved up to the first.
// A claimed length reserves nothing: the buffer grows with what has really arrived. One thread uses
// the reader; the records that it hands out keep their buffer alive and may go to another thread.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "rpc/buffer.hpp"

namespace berth::rpc {

struct Record {
    std::span<const std::byte> bytes;
    BufferPtr owner;
};

class RecordReader {
public:
    struct Limits {
        std::size_t record_bytes_max =
            (std::size_t{1} << 20) + 4096;  ///< the sum over all fragments
        std::size_t fragments_max = 4096;   ///< of one record, including empty ones
    };

    RecordReader(BlockPool& pool, const Limits& limits) : pool_(pool), limits_(limits) {}

    /// Whether space() would have to take more memory than the reader holds.
    [[nodiscard]] bool needs_memory() const noexcept;
    /// Where to receive the next bytes; never empty. Throws std::bad_alloc.
    std::span<std::byte> space();
    /// `count` bytes have been received there.
    void received(std::size_t count) noexcept { end_ += count; }

    /// The next whole record, if one has arrived.
    std::optional<Record> next();
    /// The peer's bytes can't be a stream of records within the limits, and next() returns no more
    /// of them. Close the connection.
    [[nodiscard]] bool is_broken() const noexcept { return broken_; }
    /// Releases the buffer if it is empty: a silent connection costs no memory. A buffer that
    /// records still refer to is kept and filled first; otherwise each of them would hold one of
    /// its own.
    void rest() noexcept;
    /// Counts the memory held against the client.
    void charge(const Budget::AccountPtr& account) noexcept;
    /// Whether part of a record is here and the rest is missing.
    [[nodiscard]] bool has_part() const noexcept { return end_ > start_; }
    /// Missing bytes of the current fragment; how long the record will be is not known.
    [[nodiscard]] std::size_t missing_bytes() const noexcept {
        return fragment_end_ - std::min(fragment_end_, end_);
    }
    /// Nothing more will be received: releases everything but what records still refer to.
    void end() noexcept;

private:
    static constexpr std::size_t mark_bytes = 4;
    static constexpr std::size_t small_bytes = std::size_t{64} << 10;

    void make_room();
    void begin_record(std::size_t at) noexcept;

    BlockPool& pool_;
    Limits limits_;
    BufferPtr buffer_;
    // Offsets into the buffer. The record being collected has its payload at [start_ + mark_bytes,
    // payload_end_); the mark of its next fragment is at mark_; that fragment ends (as far as is
    // known) at fragment_end_.
    std::size_t start_ = 0;
    std::size_t payload_end_ = mark_bytes;
    std::size_t mark_ = 0;
    std::size_t fragment_end_ = mark_bytes;
    std::size_t end_ = 0;  // the end of the received bytes
    std::size_t fragments_ = 0;
    std::size_t usual_bytes_ = small_bytes;  // what the last buffer had grown to
    bool broken_ = false;
};

}  // namespace berth::rpc
