#include "rpc/record.hpp"

#include <algorithm>
#include <cstring>

#include "xdr/reader.hpp"

namespace berth::rpc {

namespace {

constexpr std::uint32_t last_fragment_bit = 0x80000000;

}  // namespace

void RecordReader::begin_record(std::size_t at) noexcept {
    start_ = mark_ = at;
    payload_end_ = fragment_end_ = at + mark_bytes;
    fragments_ = 0;
}

std::optional<Record> RecordReader::next() {
    while (!broken_ && end_ >= mark_ + mark_bytes) {
        auto* bytes = buffer_->bytes().data();
        const auto word = xdr::Reader{{bytes + mark_, mark_bytes}}.u32();
        const std::size_t length = word & ~last_fragment_bit;
        const auto collected = payload_end_ - (start_ + mark_bytes);
        if (length > limits_.record_bytes_max - collected || fragments_ == limits_.fragments_max) {
            broken_ = true;
            break;
        }
        const auto fragment = mark_ + mark_bytes;
        fragment_end_ = fragment + length;
        if (end_ < fragment_end_) break;

        if (fragment != payload_end_ && length > 0)
            std::memmove(bytes + payload_end_, bytes + fragment, length);
        payload_end_ += length;
        ++fragments_;
        mark_ = fragment_end_;
        fragment_end_ = mark_ + mark_bytes;
        if ((word & last_fragment_bit) == 0) continue;

        Record record{{bytes + start_ + mark_bytes, payload_end_ - start_ - mark_bytes}, buffer_};
        begin_record(mark_);
        return record;
    }
    return {};
}

bool RecordReader::needs_memory() const noexcept {
    if (!buffer_ || buffer_->size() == 0) return true;
    const bool is_unique = buffer_->is_unique();
    if (end_ == start_ && is_unique) return false;
    const auto size = buffer_->size();
    const bool is_full = end_ == size || (fragment_end_ > size && start_ > 0);
    return is_full && (!is_unique || end_ - start_ == size);
}

std::span<std::byte> RecordReader::space() {
    if (!buffer_)
        buffer_ = Buffer::make(pool_, usual_bytes_);
    else if (buffer_->size() == 0)
        buffer_->take_again(usual_bytes_);
    if (end_ == start_ && start_ > 0 && buffer_->is_unique()) {
        begin_record(0);
        end_ = 0;
    }
    if (end_ == buffer_->size() || (fragment_end_ > buffer_->size() && start_ > 0)) make_room();
    const auto rest = buffer_->bytes().subspan(end_);
    // For a large record, only what is missing: bytes after it would have to be copied to the next
    // buffer.
    const auto missing = fragment_end_ - end_;
    const auto wanted = fragment_end_ - start_ > small_bytes ? missing : small_bytes;
    return rest.first(std::min(rest.size(), wanted));
}

// Moves the unfinished record to the front of a buffer that has room, or of its own buffer if
// nothing else refers to it. The buffer grows fourfold at most, whatever length is claimed: by
// three, which the pool rounds up to its next block.
void RecordReader::make_room() {
    const auto kept = end_ - start_;
    auto size = buffer_->size();
    if (kept == size)
        size = std::min(std::max(fragment_end_ - start_, size + mark_bytes), size * 3);
    else if (kept < small_bytes && fragment_end_ - start_ <= small_bytes)
        size = small_bytes;

    if (buffer_->is_unique() && buffer_->size() >= size) {
        std::memmove(buffer_->bytes().data(), buffer_->bytes().data() + start_, kept);
    } else {
        auto other = Buffer::make(pool_, size);
        std::memcpy(other->bytes().data(), buffer_->bytes().data() + start_, kept);
        buffer_ = std::move(other);
    }
    usual_bytes_ = buffer_->size();
    mark_ -= start_;
    payload_end_ -= start_;
    fragment_end_ -= start_;
    end_ = kept;
    start_ = 0;
}

void RecordReader::rest() noexcept {
    if (end_ > start_ || !buffer_ || !buffer_->is_unique()) return;
    buffer_->give_back();
    begin_record(0);
    end_ = 0;
}

void RecordReader::charge(const Budget::AccountPtr& account) noexcept {
    if (buffer_ && buffer_->size() > 0) buffer_->charge(account);
}

void RecordReader::end() noexcept {
    buffer_.reset();
    begin_record(0);
    end_ = 0;
}

}  // namespace berth::rpc
