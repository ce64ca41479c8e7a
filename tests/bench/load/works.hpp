// What can be measured: each work is, for every call in flight, a circle of ready-made calls of
// which only few bytes change from one to the next, and of what a good reply to each must say.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/bench/load/session.hpp"
#include "tests/bench/wire.hpp"

namespace berth::bench {

/// What a reply must say beyond that the call was accepted.
enum class Expect {
    accepted,  // no status follows
    ok,        // NFS3_OK
    read,      // and as many bytes as asked for
    written,   // and as many bytes, as stable as asked for
};

/// One call, sent again and again.
struct Step {
    Bytes message;
    View payload;  // follows the message; lives as long as the program
    Expect expect = Expect::ok;
    std::uint32_t count = 0;  // of data, either way
    std::uint32_t stable = 0;

    // Where an offset stands in the message, and how it moves on; 0: nowhere.
    std::size_t offset_at = 0;
    std::uint64_t offset = 0;
    std::uint64_t offset_end = 0;
    // Where eight characters stand that must be new each time; 0: nowhere.
    std::size_t fresh_name_at = 0;
};

/// A call in flight: its steps follow each other, from the first again after the last.
struct Slot {
    std::vector<Step> steps;
    std::size_t current = 0;
    std::uint32_t xid = 0;
    std::uint64_t sent_ns = 0;
};

struct Shape {
    std::size_t connections = 1;
    std::size_t in_flight = 1;
};

const std::vector<std::string>& work_names();

/// Makes what the work needs below `root`, in a new directory `name`, and the slots: first those of
/// the first connection. Throws std::runtime_error when the server does not play along, or the work
/// is unknown.
std::vector<Slot> prepare(const std::string& work, const Shape& shape, Session& session, View root,
                          const std::string& name);

/// Puts what must change into the step's message, before each sending.
void refresh(Step& step);

/// Whether the reply is good: `head` is the beginning of a record that is `size` bytes long.
bool is_good(const Step& step, View head, std::size_t size);

}  // namespace berth::bench
