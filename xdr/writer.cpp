#include "xdr/writer.hpp"

#include <algorithm>

namespace berth::xdr {

void Writer::reference_or_copy(std::span<const std::byte> bytes) {
    if (bytes.size() < reference_bytes_min) {
        fixed(bytes);
        return;
    }
    references_.push_back({size_, bytes});
    referenced_bytes_ += bytes.size();
    if (const auto pad = padding(bytes.size()); pad > 0) std::memset(extend(pad), 0, pad);
}

void Writer::shrink(std::size_t bytes) noexcept {
    if (capacity_ <= bytes || size_ != 0) return;
    bytes_.reset();
    capacity_ = 0;
}

std::vector<std::byte> Writer::flat() const {
    std::vector<std::byte> all;
    all.reserve(size());
    segments([&](std::span<const std::byte> piece) {
        all.insert(all.end(), piece.begin(), piece.end());
    });
    return all;
}

void Writer::grow(std::size_t count) {
    constexpr std::size_t first_bytes = 512;
    const auto wanted = std::max({first_bytes, capacity_ * 2, size_ + count});
    auto larger = std::make_unique_for_overwrite<std::byte[]>(wanted);
    if (size_ > 0) std::memcpy(larger.get(), bytes_.get(), size_);
    bytes_ = std::move(larger);
    capacity_ = wanted;
}

}  // namespace berth::xdr
