#include "tests/bench/load/listing.hpp"

#include <chrono>
#include <stdexcept>
#include <string>
#include <utility>

namespace berth::bench {

namespace {

// As Linux asks: the names may fill an eighth of what the attributes and handles may.
constexpr std::uint32_t maximum_bytes = 128 * 1024;
constexpr std::uint32_t names_bytes = maximum_bytes / 8;

struct Position {
    std::uint64_t cookie = 0;
    std::uint64_t verifier = 0;
    bool at_end = false;
};

bool is_dot(View name) {
    return (name.size() == 1 || name.size() == 2) && name.front() == std::byte{'.'} &&
           name.back() == std::byte{'.'};
}

/// Counts the entries of one reply; the position after the last one.
Position take_entries(View body, Position position, std::uint64_t& entries) {
    Reader reader{body};
    skip_post_op_attributes(reader);
    position.verifier = reader.u64();
    while (reader.u32() != 0) {
        reader.u64();
        const View name = reader.opaque();
        position.cookie = reader.u64();
        const bool has_attributes = reader.u32() != 0;
        if (has_attributes) reader.skip(attributes_bytes);
        const bool has_handle = reader.u32() != 0;
        if (has_handle) reader.opaque();
        if (is_dot(name)) continue;
        if (!has_attributes || !has_handle || !reader.ok())
            throw std::runtime_error("an entry without attributes or handle");
        ++entries;
    }
    position.at_end = reader.u32() != 0;
    if (!reader.ok()) throw std::runtime_error("a truncated listing");
    return position;
}

}  // namespace

Listing list(Session& session, View directory) {
    Listing listing;
    const auto began = std::chrono::steady_clock::now();
    for (Position position; !position.at_end;) {
        CallWriter writer{Procedure::readdirplus, session.caller()};
        writer.opaque(directory);
        writer.u64(position.cookie);
        writer.u64(position.verifier);
        writer.u32(names_bytes);
        writer.u32(maximum_bytes);
        const std::uint64_t before = listing.entries;
        position = take_entries(session.good_call("READDIRPLUS", std::move(writer)), position,
                                listing.entries);
        ++listing.calls;
        if (listing.entries == before && !position.at_end && listing.calls > 1)
            throw std::runtime_error("a listing that does not get on");
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    listing.seconds = took.count();
    return listing;
}

}  // namespace berth::bench
