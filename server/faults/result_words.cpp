#include "server/faults/result_words.hpp"

#include <algorithm>
#include <chrono>
#include <limits>

#include "server/faults/values.hpp"

namespace berth::server::faults {
namespace {

void take_short(const Word& word, ResultActs& into) {
    constexpr std::uint64_t most = std::numeric_limits<std::uint32_t>::max();
    into.changes.bytes_max = static_cast<std::uint32_t>(std::min(number_of(word), most));
}

void take_eof(const Word& word, ResultActs& into) {
    into.changes.eof = choice_of(word, {{"false", 0}, {"true", 1}}) == 1;
}

void take_attributes(const Word& word, ResultActs& into) {
    enum : std::uint32_t { none, old, newer, size, fileid, fsid };
    for (const auto& part : parts_of(word.value)) {
        const Word one{.key = word.key, .value = part, .place = word.place};
        switch (choice_of(one, {{"none", none},
                                {"old", old},
                                {"newer", newer},
                                {"size", size},
                                {"fileid", fileid},
                                {"fsid", fsid}})) {
        case none: into.changes.hides_attributes = true; break;
        case old: into.attributes = Outdated::first_seen; break;
        case newer: into.attributes = Outdated::newer; break;
        case size: into.changes.has_other_size = true; break;
        case fileid: into.changes.has_other_fileid = true; break;
        default: into.changes.has_other_fsid = true; break;
        }
    }
}

void take_wcc(const Word& word, ResultActs& into) {
    static_cast<void>(choice_of(word, {{"none", 0}}));
    into.changes.hides_attributes_before = true;
}

void take_verifier(const Word& word, ResultActs& into) {
    static_cast<void>(choice_of(word, {{"other", 0}}));
    into.changes.has_other_write_verifier = true;
}

void take_entries(const Word& word, ResultActs& into) {
    if (word.value == "twice")
        into.changes.repeats_entry = true;
    else
        into.changes.entries_max = number_of(word);
}

void take_cookies(const Word& word, ResultActs& into) {
    if (choice_of(word, {{"bad", 0}, {"verifier", 1}}) == 1)
        into.changes.has_other_cookie_verifier = true;
    else
        into.spoils_cookies = true;
}

void take_handles(const Word& word, ResultActs& into) {
    static_cast<void>(choice_of(word, {{"stale", 0}}));
    into.spoils_handles = true;
}

void take_clock(const Word& word, ResultActs& into) {
    auto time = word;
    const bool is_earlier = time.value.starts_with('-');
    if (is_earlier || time.value.starts_with('+')) time.value.erase(0, 1);
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(duration_of(time));
    if (seconds.count() == 0) word.refuse("expected a second at least, as 1h or -30s");
    into.changes.clock = is_earlier ? -seconds : seconds;
}

constexpr ResultWord all[] = {
    {{"short", "N", "READ gives, and WRITE claims, at most N bytes"}, Needs::range, take_short},
    {{"eof", "true|false", "what READ and listings say of their end"}, Needs::end, take_eof},
    {{"attributes", "none|old|newer|size|fileid|fsid,...",
      "withheld; as the rule saw them first; a second newer; or another size, fileid or fsid"},
     Needs::nfs,
     take_attributes},
    {{"wcc", "none", "the attributes from before a change are withheld"}, Needs::nfs, take_wcc},
    {{"verifier", "other", "the write verifier is another one, in the replies that are hit"},
     Needs::range,
     take_verifier},
    {{"entries", "N|twice", "listings have at most N entries, or the first entry comes twice"},
     Needs::end,
     take_entries},
    {{"cookies", "bad|verifier",
      "the last cookie of a listing is refused later (NFS3ERR_BAD_COOKIE), or the cookie verifier "
      "is another one"},
     Needs::end,
     take_cookies},
    {{"handles", "stale", "the objects of the calls are stale for good"}, Needs::nfs, take_handles},
    {{"clock", "TIME", "all times are that much later; with - before it, earlier"},
     Needs::nfs,
     take_clock},
};

}  // namespace

std::span<const ResultWord> result_words() {
    return all;
}

}  // namespace berth::server::faults
