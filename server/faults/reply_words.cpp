#include "server/faults/reply_words.hpp"

#include "server/faults/values.hpp"

namespace berth::server::faults {
namespace {

std::uint64_t number_up_to(const Word& word, std::uint64_t least, std::uint64_t most) {
    const auto number = number_of(word, least);
    if (number > most)
        word.refuse("expected a number from " + std::to_string(least) + " to " +
                    std::to_string(most));
    return number;
}

void take_twice(const Word& word, Definition& into) {
    static_cast<void>(choice_of(word, {{"reply", 0}, {"call", 1}}));
    into.reply.copies = 1;
}

void take_late(const Word& word, Definition& into) {
    into.reply.delay = duration_of(word);
}

void take_behind(const Word& word, Definition& into) {
    static_cast<void>(choice_of(word, {{"next", 0}}));
    into.reply.is_behind_next = true;
}

void take_fragments(const Word& word, Definition& into) {
    constexpr std::uint64_t fragments_max = 1000;
    into.reply.manner.fragments = number_up_to(word, 1, fragments_max);
}

void take_segments(const Word& word, Definition& into) {
    into.reply.manner.segment_bytes = number_of(word, 1);
}

void take_cut(const Word& word, Definition& into) {
    if (word.value == "half")
        into.reply.is_cut_in_half = true;
    else
        into.reply.manner.cut_at = number_of(word);
}

void take_rate(const Word& word, Definition& into) {
    into.reply.manner.bytes_per_second = number_of(word, 1);
}

void take_read_rate(const Word& word, Definition& into) {
    into.read_rate = number_of(word, 1);
}

void take_source(const Word& word, Definition& into) {
    const auto address = rpc::Address::parse(word.value);
    if (!address || address->is_any()) word.refuse("expected an address of this machine");
    into.reply.source = *address;
}

constexpr ReplyWord words_of_replies[] = {
    {{"twice", "reply|call", "the reply comes twice; of GRANTED, the call"}, take_twice},
    {{"late", "TIME", "the call runs, and its reply comes later"}, take_late},
    {{"behind", "next", "over TCP: the reply comes after the one that should have followed it"},
     take_behind},
    {{"fragments", "N", "over TCP: the reply's record has N fragments"}, take_fragments},
    {{"segments", "N", "over TCP: the reply leaves in segments of N bytes"}, take_segments},
    {{"cut", "N|half",
      "over TCP: the connection ends after so many bytes of the reply's record, its mark included; "
      "by a reset if `reset=reply` says so"},
     take_cut},
    {{"rate", "N", "over TCP: the reply, and so all behind it, leaves with N bytes a second"},
     take_rate},
    {{"read-rate", "N",
      "over TCP: from the call on, N bytes a second are read from its connection"},
     take_read_rate},
    {{"source", "ADDRESS", "over UDP: the reply comes from this other address of the machine"},
     take_source},
};

}  // namespace

std::span<const ReplyWord> reply_words() {
    return words_of_replies;
}

}  // namespace berth::server::faults
