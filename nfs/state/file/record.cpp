#include "nfs/state/file/record.hpp"

#include <array>
#include <cstring>

#include <sodium.h>

namespace berth::state::file {
namespace {

// A record is: the size of its body; a checksum of the size and of its position; a checksum of the
// body; the body. The body is: kind; size of the key; key; value.
constexpr std::size_t size_at = 0;
constexpr std::size_t size_check_at = 4;
constexpr std::size_t body_check_at = 8;
constexpr std::size_t head_bytes = 16;
constexpr std::size_t key_at = 5;

constexpr char kind_put = 1;
constexpr char kind_erase = 2;

using Check = std::array<char, crypto_shorthash_BYTES>;

// The checksum guards against accidents, not attackers, so the key is not secret.
Check check_of(std::string_view bytes) {
    constexpr std::array<unsigned char, crypto_shorthash_KEYBYTES> key{'s', 't', 'a', 't', 'e'};
    Check check{};
    crypto_shorthash(reinterpret_cast<unsigned char*>(check.data()),
                     reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
                     key.data());
    return check;
}

template <class Number>
std::string bytes_of(Number number) {
    std::string bytes(sizeof number, '\0');
    std::memcpy(bytes.data(), &number, sizeof number);
    return bytes;
}

std::uint32_t number_at(std::string_view bytes, std::size_t at) {
    std::uint32_t number = 0;
    std::memcpy(&number, bytes.data() + at, sizeof number);
    return number;
}

std::string size_check_of(std::uint32_t size, std::uint64_t offset) {
    const auto check = check_of(bytes_of(size) + bytes_of(offset));
    return {check.data(), body_check_at - size_check_at};
}

bool is_zero(std::string_view bytes) {
    return bytes.find_first_not_of('\0') == std::string_view::npos;
}

std::optional<Record> decode(std::string_view body) {
    if (body.size() < key_at) return {};
    const auto key_bytes = number_at(body, 1);
    if (key_bytes > body.size() - key_at) return {};
    Record record{.key = body.substr(key_at, key_bytes), .value = {}};
    if (body[0] == kind_put) record.value = body.substr(key_at + key_bytes);
    const bool is_record =
        record.value || (body[0] == kind_erase && body.size() == key_at + key_bytes);
    return is_record ? std::optional{record} : std::nullopt;
}

}  // namespace

std::string header_of(std::string_view file_name) {
    constexpr std::string_view form{"\0berth\0\1", 8};
    const auto check = check_of(std::string{form} + std::string{file_name});
    return std::string{form} + std::string{check.data(), check.size()};
}

std::size_t size_of(const Record& record) {
    return head_bytes + key_at + record.key.size() + record.value.value_or("").size();
}

void append(std::string& bytes, std::uint64_t offset, const Record& record) {
    const auto value = record.value.value_or("");
    std::string body{record.value ? kind_put : kind_erase};
    body += bytes_of(static_cast<std::uint32_t>(record.key.size()));
    body += record.key;
    body += value;
    const auto size = static_cast<std::uint32_t>(body.size());
    const auto check = check_of(body);
    const auto place = offset + bytes.size();
    bytes += bytes_of(size);
    bytes += size_check_of(size, place);
    bytes.append(check.data(), check.size());
    bytes += body;
}

Scanned scan(std::string_view file_name, std::string_view bytes,
             const std::function<void(const Record&)>& tell) {
    const auto header = header_of(file_name);
    if (!bytes.starts_with(header)) return {};
    Scanned scanned{.has_header = true, .whole_bytes = header.size()};
    for (auto at = header.size(); at < bytes.size();) {
        const auto rest = bytes.substr(at);
        if (rest.size() < head_bytes) {
            scanned.is_torn = true;
            break;
        }
        const auto size = number_at(rest, size_at);
        const auto size_check = rest.substr(size_check_at, body_check_at - size_check_at);
        if (size_check != size_check_of(size, at)) {
            // A file that was extended before its bytes were written ends in zeros.
            (is_zero(rest) ? scanned.is_torn : scanned.is_damaged) = true;
            break;
        }
        if (rest.size() - head_bytes < size) {
            scanned.is_torn = true;
            break;
        }
        const auto body = rest.substr(head_bytes, size);
        const auto check = check_of(body);
        const bool is_whole = rest.substr(body_check_at, check.size()) ==
                              std::string_view{check.data(), check.size()};
        const auto record = is_whole ? decode(body) : std::nullopt;
        at += head_bytes + size;
        if (record)
            tell(*record);
        else
            scanned.is_damaged = true;
        if (!scanned.is_damaged) scanned.whole_bytes = at;
    }
    return scanned;
}

}  // namespace berth::state::file
