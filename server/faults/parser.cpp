#include "server/faults/parser.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <limits>
#include <set>
#include <utility>

#include <boost/algorithm/string/case_conv.hpp>

#include "nlm/protocol.hpp"
#include "rpc/text/nearest.hpp"
#include "server/faults/conditions.hpp"
#include "server/faults/reply_words.hpp"
#include "server/faults/result_words.hpp"
#include "server/faults/values.hpp"

namespace berth::server::faults {
namespace {

/// A call that the server makes, not one that it serves.
constexpr CallName granted{.program = nlm::program_number,
                           .procedure = nlm::Granted<nlm::Wide>::id.number};

class Parser {
public:
    Parser(const std::vector<Word>& words, std::span<const rpc::Program> programs)
        : words_(words),
          programs_(programs) {}

    Definition parse() {
        if (words_.empty()) throw RuleError("a rule is empty");
        for (const auto& word : words_) {
            made_.text += (made_.text.empty() ? "" : " ") + word.text();
            if (word.key.empty())
                take_calls(word);
            else
                take(word);
        }
        check_calls();
        if (!calls_.empty() || !denied_calls_.empty())
            made_.conditions.insert(made_.conditions.begin(), is_among(calls_, denied_calls_));
        const bool acts = made_.delay || made_.instead.index() != 0 || made_.reply.any() ||
                          made_.result.any() || made_.read_rate > 0;
        if (!acts)
            words_.back().refuse(
                "nothing is to happen: add delay=, drop=, status=, or another act");
        check_selection();
        return std::move(made_);
    }

    using Take = void (Parser::*)(const Word& word);
    struct Known {
        Key key;
        Take take;
    };
    /// Everything that may stand before a "=".
    static std::span<const Known> known();

private:
    // --- which calls

    void take_calls(const Word& word) {
        if (word.value == "*" && !word.is_denied) return;
        auto& into = word.is_denied ? denied_calls_ : calls_;
        for (const auto& part : parts_of(word.value)) {
            const auto found = calls_named(part);
            if (found.empty()) word.refuse("no program or procedure" + nearest_call(part));
            into.insert(into.end(), found.begin(), found.end());
        }
    }

    /// "READ", "NFS", "NFS.READ"
    [[nodiscard]] std::vector<CallName> calls_named(const std::string& text) const {
        const auto name = boost::algorithm::to_upper_copy(text);
        std::vector<CallName> calls;
        if (name == "GRANTED" || name == "NLM.GRANTED") return {granted};
        for (const auto& program : programs_) {
            if (name == program.id.name) calls.push_back({.program = program.id.number});
            for (const auto& procedure : program.procedures) {
                if (procedure.invoke == nullptr) continue;
                const auto whole =
                    std::string{program.id.name} + "." + std::string{procedure.id.name};
                if (name != procedure.id.name && name != whole) continue;
                const CallName call{.program = program.id.number, .procedure = procedure.id.number};
                if (std::ranges::find(calls, call) == calls.end()) calls.push_back(call);
            }
        }
        return calls;
    }

    [[nodiscard]] std::string nearest_call(const std::string& text) const {
        std::vector<std::string_view> names;
        for (const auto& program : programs_) {
            names.push_back(program.id.name);
            for (const auto& procedure : program.procedures)
                if (procedure.invoke != nullptr) names.push_back(procedure.id.name);
        }
        return " has that name" + text::suggestion(boost::algorithm::to_upper_copy(text), names);
    }

    /// Whether every call that the rule can hit is of this program.
    [[nodiscard]] bool is_all_of(std::uint32_t program) const {
        return !calls_.empty() && std::ranges::all_of(calls_, [=](const CallName& call) {
            return call.program == program;
        });
    }

    // Words about things that only some calls have can't be asked of others.
    void check_calls() {
        if (nfs_word_ != nullptr && !calls_.empty() &&
            std::ranges::none_of(calls_, &CallName::is_of_nfs))
            nfs_word_->refuse("only calls of NFS have that");
        if (path_word_ != nullptr && !calls_.empty() &&
            std::ranges::none_of(calls_, &CallName::has_path))
            path_word_->refuse("only calls of NFS, MNT and UMNT have that");
        if (range_word_ != nullptr && !calls_.empty() &&
            std::ranges::none_of(calls_, &CallName::has_range))
            range_word_->refuse("only READ, WRITE and COMMIT have that");
        if (end_word_ != nullptr && !calls_.empty() &&
            std::ranges::none_of(calls_, &CallName::has_end))
            end_word_->refuse("only READ, READDIR and READDIRPLUS have that");
        const bool has_granted = std::ranges::find(calls_, granted) != calls_.end();
        if (status_word_ != nullptr && has_granted)
            status_word_->refuse("GRANTED has no status here; refuse= takes the lock back");
        if (status_word_ == nullptr) return;
        if (calls_.empty())
            made_.conditions.insert(made_.conditions.begin(),
                                    is_among({{.program = status_program_}}, {}));
        else if (!is_all_of(status_program_))
            status_word_->refuse("that is no status of the calls that the rule names");
    }

    // --- conditions

    void take(const Word& word) {
        if (word.value.empty()) word.refuse("expected a value after the '='");
        for (const auto& one : reply_words()) {
            if (one.key.name != word.key) continue;
            check_said_once(word);
            one.take(word, made_);
            return;
        }
        for (const auto& one : result_words()) {
            if (one.key.name != word.key) continue;
            check_said_once(word);
            note(word, one.needs);
            one.take(word, made_.result);
            return;
        }
        const auto all = known();
        const auto found = std::ranges::find(all, std::string_view{word.key},
                                             [](const Known& one) { return one.key.name; });
        if (found == all.end()) {
            std::vector<std::string_view> names;
            for (const auto& one : all) names.push_back(one.key.name);
            for (const auto& one : reply_words()) names.push_back(one.key.name);
            for (const auto& one : result_words()) names.push_back(one.key.name);
            word.refuse("no rule has '" + word.key + "'" + text::suggestion(word.key, names));
        }
        const bool is_condition =
            found->take == &Parser::take_condition || found->take == &Parser::take_of_nfs ||
            found->take == &Parser::take_of_path || found->take == &Parser::take_range;
        if (!is_condition) check_said_once(word);
        (this->*found->take)(word);
    }

    void check_said_once(const Word& word) {
        if (word.is_denied) word.refuse("only conditions can be denied");
        if (!given_.insert(word.key).second) word.refuse("it was given already");
    }

    void note(const Word& word, Needs needs) {
        switch (needs) {
        case Needs::nfs: nfs_word_ = &word; break;
        case Needs::range: range_word_ = &word; break;
        case Needs::end: end_word_ = &word; break;
        }
    }

    void take_condition(const Word& word) { made_.conditions.push_back(condition_of(word)); }
    void take_of_nfs(const Word& word) {
        nfs_word_ = &word;
        take_condition(word);
    }
    void take_of_path(const Word& word) {
        path_word_ = &word;
        take_condition(word);
    }
    void take_range(const Word& word) {
        range_word_ = &word;
        take_condition(word);
    }

    // --- which of them

    void take_after(const Word& word) { made_.selection.skipped = number_of(word); }
    void take_after_bytes(const Word& word) {
        range_word_ = &word;
        made_.selection.bytes_before = number_of(word);
    }
    void take_every(const Word& word) { made_.selection.every = number_of(word, 1); }
    void take_first(const Word& word) { made_.selection.first = number_of(word, 1); }
    void take_per(const Word& word) {
        made_.selection.per = static_cast<Selection::Per>(
            choice_of(word, {{"rule", static_cast<std::uint32_t>(Selection::Per::rule)},
                             {"file", static_cast<std::uint32_t>(Selection::Per::file)},
                             {"client", static_cast<std::uint32_t>(Selection::Per::client)}}));
    }
    void take_probability(const Word& word) { made_.selection.probability = probability_of(word); }
    void take_seed(const Word& word) {
        made_.selection.seed = number_of(word);
        made_.has_seed = true;
    }
    void take_from(const Word& word) { made_.selection.from = duration_of(word); }
    void take_until(const Word& word) {
        until_word_ = &word;
        made_.selection.until = duration_of(word);
    }
    void take_since(const Word& word) {
        made_.selection.since_added = choice_of(word, {{"start", 0}, {"added", 1}}) == 1;
    }

    void check_selection() const {
        const auto& selection = made_.selection;
        if (selection.until && *selection.until <= selection.from)
            until_word_->refuse("no time lies between from= and until=");
        if (selection.per == Selection::Per::file && !calls_.empty() &&
            std::ranges::none_of(calls_, &CallName::is_of_nfs))
            words_.back().refuse("per=file: only calls of NFS have files");
    }

    void take_name(const Word& word) {
        const bool is_good = std::ranges::all_of(word.value, [](char c) {
            return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                   c == '-' || c == '_' || c == '.';
        });
        constexpr std::size_t name_bytes_max = 64;
        if (!is_good || word.value.front() == '-' || word.value.size() > name_bytes_max)
            word.refuse("expected a name of at most 64 letters, digits, '-', '_' and '.'");
        made_.name = word.value;
    }

    // --- acts

    void take_delay(const Word& word) { made_.delay = delay_of(word); }
    void take_drop(const Word& word) {
        if (choice_of(word, {{"call", 0}, {"reply", 1}}) == 1)
            made_.reply.is_dropped = true;
        else
            instead(word, DropCall{});
    }
    void take_close(const Word& word) {
        if (choice_of(word, {{"call", 0}, {"reply", 1}}) == 1)
            made_.reply.closes = true;
        else
            instead(word, CloseAtCall{});
    }
    void take_reset(const Word& word) {
        if (choice_of(word, {{"call", 0}, {"reply", 1}}) == 1)
            made_.reply.resets = true;
        else
            instead(word, ResetAtCall{});
    }
    void take_status(const Word& word) {
        const auto status = status_of(word);
        status_word_ = &word;
        status_program_ = status.program;
        instead(word, AnswerStatus{status.number});
    }
    void take_read_only(const Word& word) {
        static_cast<void>(choice_of(word, {{"yes", 1}}));
        status_word_ = &word;
        status_program_ = nfs::program.number;
        made_.conditions.push_back(is_change());
        instead(word, AnswerStatus{static_cast<std::uint32_t>(nfs::Status::read_only)});
    }
    void take_gone(const Word& word) {
        static_cast<void>(choice_of(word, {{"yes", 1}}));
        instead(word, AnswerGone{});
    }
    void take_refusal(const Word& word) { instead(word, AnswerRefusal{refusal_of(word)}); }
    void take_denial(const Word& word) { instead(word, AnswerDenial{denial_of(word)}); }
    void take_jukebox(const Word& word) {
        status_word_ = &word;
        status_program_ = nfs::program.number;
        instead(word, Jukebox{number_of(word, 1)});
    }

    void instead(const Word& word, Instead what) {
        if (made_.instead.index() != 0) word.refuse("another word says already what to answer");
        made_.instead = what;
    }

    const std::vector<Word>& words_;
    const std::span<const rpc::Program> programs_;
    Definition made_;
    std::vector<CallName> calls_;
    std::vector<CallName> denied_calls_;
    std::set<std::string> given_;
    const Word* nfs_word_ = nullptr;
    const Word* path_word_ = nullptr;
    const Word* range_word_ = nullptr;
    const Word* end_word_ = nullptr;
    const Word* status_word_ = nullptr;
    const Word* until_word_ = nullptr;
    std::uint32_t status_program_ = 0;
};

std::span<const Parser::Known> Parser::known() {
    static constexpr Known all[] = {
        {{"version", "N,...", "the version of the program"}, &Parser::take_condition},
        {{"client", "ADDRESS,...", "an address or a network"}, &Parser::take_condition},
        {{"port", "N-N,...", "the client's port, and so its connection"}, &Parser::take_condition},
        {{"machine", "GLOB", "the name that the client gives itself in the credential"},
         &Parser::take_condition},
        {{"uid", "N-N,...", "the caller's user id, as the call has it"}, &Parser::take_condition},
        {{"gid", "N-N,...", "the caller's group id"}, &Parser::take_condition},
        {{"transport", "tcp|udp", "by which the call came"}, &Parser::take_condition},
        {{"export", "PATH", "the export, or one of several between commas"}, &Parser::take_of_path},
        {{"path", "GLOB",
          "the object, or the directory and the name; without a '/', the last name alone"},
         &Parser::take_of_path},
        {{"handle", "HEX", "how the handle begins"}, &Parser::take_of_nfs},
        {{"offset", "N-N,...", "where READ, WRITE or COMMIT begins; K, M and G are understood"},
         &Parser::take_range},
        {{"size", "N-N,...", "how many bytes"}, &Parser::take_range},
        {{"after", "N", "not the first N calls"}, &Parser::take_after},
        {{"after-bytes", "N", "not the READs and WRITEs that fit into the first N bytes of them"},
         &Parser::take_after_bytes},
        {{"every", "N", "every Nth call"}, &Parser::take_every},
        {{"first", "N", "N calls, and no more"}, &Parser::take_first},
        {{"per", "rule|file|client", "what these numbers count for"}, &Parser::take_per},
        {{"probability", "P", "above 0, at most 1"}, &Parser::take_probability},
        {{"seed", "N", "of the probability and of random delays: the same calls, the same events"},
         &Parser::take_seed},
        {{"from", "TIME", "not before that time"}, &Parser::take_from},
        {{"until", "TIME", "only before that time"}, &Parser::take_until},
        {{"since", "start|added", "what those times count from"}, &Parser::take_since},
        {{"name", "NAME", "for messages and for `berth fault`"}, &Parser::take_name},
        {{"delay", "TIME",
          "before the call runs: 200ms, 100ms..300ms, 200ms~50ms, or held, until `berth fault release`"},
         &Parser::take_delay},
        {{"drop", "call|reply", "the call does not run, or it runs and is not answered"},
         &Parser::take_drop},
        {{"close", "call|reply", "the connection is closed instead"}, &Parser::take_close},
        {{"reset", "call|reply", "the same, and the client sees a reset"}, &Parser::take_reset},
        {{"status", "STATUS",
          "the call does not run and has this status: NFS3ERR_IO, MNT3ERR_ACCES, NLM4_DENIED"},
         &Parser::take_status},
        {{"read-only", "yes", "calls that change something have NFS3ERR_ROFS"},
         &Parser::take_read_only},
        {{"gone", "yes",
          "as if the objects, or what is to be mounted, were not there: NFS3ERR_STALE, MNT3ERR_NOENT, "
          "NLM4_STALE_FH"},
         &Parser::take_gone},
        {{"refuse", "STATUS",
          "an RPC refusal: PROG_UNAVAIL, PROG_MISMATCH, PROC_UNAVAIL, GARBAGE_ARGS, SYSTEM_ERR"},
         &Parser::take_refusal},
        {{"deny", "STATUS", "an RPC denial: RPC_MISMATCH, AUTH_BADCRED, AUTH_TOOWEAK and the like"},
         &Parser::take_denial},
        {{"jukebox", "N", "NFS3ERR_JUKEBOX for the first N copies of each call, then it runs"},
         &Parser::take_jukebox},
    };
    return all;
}

}  // namespace

std::vector<Key> keys() {
    std::vector<Key> keys;
    for (const auto& one : Parser::known()) keys.push_back(one.key);
    for (const auto& one : reply_words()) keys.push_back(one.key);
    for (const auto& one : result_words()) keys.push_back(one.key);
    return keys;
}

Definition parse_rule(const std::vector<Word>& words, std::span<const rpc::Program> programs) {
    return Parser{words, programs}.parse();
}

}  // namespace berth::server::faults
