// One change in a state file as it is written: whole, or recognisably not. The remains of a write
// that a power cut interrupted are distinguished from damage: a record whose head is whole and
// whose rest is missing is torn; one whose bytes are all there but do not match is damaged.
//
// The records of the names journal (nfs/vfs/posix/names/record.hpp) are different: short, with ids,
// and only hints, so their reader skips what it can't read. These are promises.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace berth::state::file {

/// The limit for key and value together.
inline constexpr std::size_t text_bytes_max = std::size_t{64} << 10;

/// The key has this value from now on; empty: it has been erased.
struct Record {
    std::string_view key;
    std::optional<std::string_view> value;
};

/// The beginning of a file of that name: format, version and the name, with a checksum. It contains
/// zeros, so that no damage turns it into a text.
[[nodiscard]] std::string header_of(std::string_view file_name);

/// The size of the record in a file.
[[nodiscard]] std::size_t size_of(const Record& record);
/// Appends the record to `bytes`, whose first byte is at `offset` in the file.
void append(std::string& bytes, std::uint64_t offset, const Record& record);

struct Scanned {
    bool has_header = false;
    bool is_torn = false;
    bool is_damaged = false;
    std::size_t whole_bytes = 0;  ///< up to the first record that is not whole
};
/// Reports the records of a file in order, including those after a damaged one as far as they can
/// be found.
Scanned scan(std::string_view file_name, std::string_view bytes,
             const std::function<void(const Record&)>& tell);

}  // namespace berth::state::file
