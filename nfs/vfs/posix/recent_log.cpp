#include "nfs/vfs/posix/recent_log.hpp"

#include <algorithm>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <sodium.h>

#include "nfs/vfs/posix/system.hpp"

namespace berth::vfs::posix {
namespace {

// A file is a generation, of which the greater is the newer, and records: the sizes of id,
// directory and name, then these, then a checksum. An erased object has no directory.
constexpr std::size_t generation_size = sizeof(std::uint64_t);
constexpr std::size_t sizes_size = 3;
constexpr std::uint64_t bytes_max = std::uint64_t{256} << 20;
constexpr std::size_t checksum_size = crypto_shorthash_BYTES;

using Bytes = std::vector<std::byte>;

std::array<std::byte, checksum_size> checksum_of(std::span<const std::byte> bytes) {
    // It guards against torn writes, not against anybody, so the key is no secret.
    constexpr std::array<unsigned char, crypto_shorthash_KEYBYTES> key{'n', 'a', 'm', 'e', 's'};
    std::array<std::byte, checksum_size> sum{};
    crypto_shorthash(reinterpret_cast<unsigned char*>(sum.data()),
                     reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
                     key.data());
    return sum;
}

Bytes record_of(const ObjectId& id, const std::optional<Place>& place) {
    const auto directory = place ? place->directory.bytes() : std::span<const std::byte>{};
    const auto name = place ? std::as_bytes(std::span{place->name}) : std::span<const std::byte>{};
    Bytes record{static_cast<std::byte>(id.bytes().size()),
                 static_cast<std::byte>(directory.size()), static_cast<std::byte>(name.size())};
    for (const auto part : {id.bytes(), directory, name})
        record.insert(record.end(), part.begin(), part.end());
    const auto sum = checksum_of(record);
    record.insert(record.end(), sum.begin(), sum.end());
    return record;
}

// The contents of one record, taken off `rest`; nothing at the end, or where it is damaged.
std::optional<std::pair<ObjectId, std::optional<Place>>>
next_record(std::span<const std::byte>& rest) {
    if (rest.size() < sizes_size) return std::nullopt;
    const auto size = [&](std::size_t at) { return std::to_integer<std::size_t>(rest[at]); };
    const auto body_size = sizes_size + size(0) + size(1) + size(2);
    if (rest.size() < body_size + checksum_size || size(0) > ObjectId::bytes_max ||
        size(1) > ObjectId::bytes_max) {
        return std::nullopt;
    }
    const auto body = rest.first(body_size);
    if (!std::ranges::equal(checksum_of(body), rest.subspan(body_size, checksum_size))) {
        return std::nullopt;
    }
    const ObjectId id{body.subspan(sizes_size, size(0))};
    const auto directory = body.subspan(sizes_size + size(0), size(1));
    const auto name = body.last(size(2));
    std::optional<Place> place;
    if (!directory.empty()) {
        place = Place{ObjectId{directory},
                      std::string{reinterpret_cast<const char*>(name.data()), name.size()}};
    }
    rest = rest.subspan(body_size + checksum_size);
    return std::pair{id, std::move(place)};
}

Result<Bytes> read_all(int file) {
    Bytes bytes;
    for (;;) {
        constexpr std::size_t step = std::size_t{1} << 16;
        const auto before = bytes.size();
        bytes.resize(before + step);
        const auto count = ::pread(file, bytes.data() + before, step, static_cast<off_t>(before));
        if (count < 0) return last_error();
        bytes.resize(before + static_cast<std::size_t>(count));
        if (count == 0) return bytes;
    }
}

}  // namespace

Result<RecentLog> RecentLog::open(const std::filesystem::path& directory) {
    RecentLog log;
    for (std::size_t i = 0; i < log.files_.size(); ++i) {
        auto& file = log.files_[i];
        const auto path = directory / ("recent." + std::to_string(i));
        auto opened = open_at(AT_FDCWD, path.c_str(), O_RDWR | O_CREAT, 0600);
        if (!opened) return opened.error();
        file.descriptor = std::move(*opened);
        if (::flock(file.descriptor.number(), LOCK_EX | LOCK_NB) != 0) {
            return errno == EWOULDBLOCK ? std::errc::device_or_resource_busy : last_error();
        }
        const auto end = ::lseek(file.descriptor.number(), 0, SEEK_END);
        if (end < 0) return last_error();
        file.size = static_cast<std::uint64_t>(end);
        std::uint64_t generation = 0;
        if (::pread(file.descriptor.number(), &generation, sizeof generation, 0) ==
            sizeof generation) {
            file.generation = generation;
        }
    }
    log.active_ = log.files_[1].generation > log.files_[0].generation ? 1 : 0;
    return log;
}

Result<void> RecentLog::replay(const Tell& tell) const {
    for (const auto which : {1 - active_, active_}) {
        auto bytes = read_all(files_[which].descriptor.number());
        if (!bytes) return bytes.error();
        if (bytes->size() < generation_size) continue;
        std::span<const std::byte> rest = std::span{*bytes}.subspan(generation_size);
        while (auto record = next_record(rest)) tell(record->first, std::move(record->second));
    }
    return {};
}

Result<void> RecentLog::append(const ObjectId& id, const std::optional<Place>& place) {
    auto& file = active();
    if (file.size > bytes_max) return std::errc::file_too_large;
    Bytes bytes;
    if (file.size == 0) {
        file.generation = older().generation + 1;
        const auto generation = std::as_bytes(std::span{&file.generation, 1});
        bytes.assign(generation.begin(), generation.end());
    }
    const auto record = record_of(id, place);
    bytes.insert(bytes.end(), record.begin(), record.end());
    const auto count = ::pwrite(file.descriptor.number(), bytes.data(), bytes.size(),
                                static_cast<off_t>(file.size));
    if (count == static_cast<ssize_t>(bytes.size())) {
        file.size += bytes.size();
        return {};
    }
    // A part of a record would hide those after it.
    const auto error = count < 0 ? last_error() : std::errc::no_space_on_device;
    if (::ftruncate(file.descriptor.number(), static_cast<off_t>(file.size)) != 0) {
        return last_error();
    }
    return error;
}

void RecentLog::turn() noexcept {
    if (older().size == 0) active_ = 1 - active_;
}

Result<void> RecentLog::forget_older() {
    return forget(older());
}

Result<void> RecentLog::forget_all() {
    auto outcome = forget(older());
    return outcome ? forget(active()) : outcome;
}

Result<void> RecentLog::forget(File& file) {
    if (file.size == 0) return {};
    if (::ftruncate(file.descriptor.number(), 0) != 0) return last_error();
    file.size = 0;
    return {};
}

}  // namespace berth::vfs::posix
