#include "server/faults/faults.hpp"

#include <algorithm>
#include <random>
#include <utility>

#include <spdlog/spdlog.h>

#include "mount/protocol.hpp"
#include "nfs/types.hpp"
#include "nlm/protocol.hpp"
#include "rpc/text/nearest.hpp"
#include "server/faults/parser.hpp"

namespace berth::server::faults {
namespace {

/// Does to a reply what the rules say that have hit its call.
class Replying final : public rpc::Follower {
public:
    void add(const ReplyActs& acts) {
        acts_.is_dropped |= acts.is_dropped;
        acts_.closes |= acts.closes;
        acts_.resets |= acts.resets;
        acts_.copies += acts.copies;
        acts_.delay += acts.delay;
        acts_.is_behind_next |= acts.is_behind_next;
        acts_.is_cut_in_half |= acts.is_cut_in_half;
        if (acts.source) acts_.source = acts.source;
        auto& manner = acts_.manner;
        if (acts.manner.fragments > 1) manner.fragments = acts.manner.fragments;
        if (acts.manner.segment_bytes > 0) manner.segment_bytes = acts.manner.segment_bytes;
        if (acts.manner.bytes_per_second > 0)
            manner.bytes_per_second = acts.manner.bytes_per_second;
        if (acts.manner.cut_at) manner.cut_at = acts.manner.cut_at;
    }

    /// `rule` has hit the call, whose first object is `directory`.
    void add(const std::shared_ptr<Rule>& rule, std::string directory) {
        auto changes = rule->result().changes;
        if (rule->result().attributes != Outdated::no)
            changes.attributes = [rule](const nfs::Attributes& now) { return rule->outdated(now); };
        if (rule->result().spoils_cookies)
            changes.saw_cookie = [rule, directory = std::move(directory)](std::uint64_t cookie) {
                rule->spoil_cookie(directory, cookie);
            };
        changes_.push_back(std::move(changes));
    }

    void after(const rpc::Intercepted& call, rpc::Ending ending, rpc::Reply& reply) override {
        if (ending != rpc::Ending::answered || call.arrival() != rpc::Arrival::to_run) return;
        for (const auto& changes : changes_) nfs::change_results(call, reply, changes);
    }

    void leaving(const rpc::Intercepted& /*call*/, rpc::Departure& departure) override {
        departure.delay += acts_.delay;
        departure.copies += acts_.copies;
        departure.is_behind_next |= acts_.is_behind_next;
        if (acts_.source) departure.source = acts_.source;
        if (!acts_.manner.is_usual()) departure.manner = acts_.manner;
        constexpr std::size_t mark_bytes = 4;
        if (acts_.is_cut_in_half)
            departure.manner.cut_at = (mark_bytes + departure.message.size()) / 2;
        if (acts_.is_dropped) departure.act = rpc::Departure::Act::drop;
        if (acts_.closes || departure.manner.cut_at) departure.act = rpc::Departure::Act::close;
        if (acts_.resets) departure.act = rpc::Departure::Act::reset;
    }

private:
    ReplyActs acts_;
    std::vector<nfs::ResultChanges> changes_;
};

/// The decision of a rule that ends a call; go_on() if it does not.
class Deciding {
public:
    Deciding(Rule& rule, const Seen& seen) : rule_(rule), seen_(seen) {}

    rpc::Decision operator()(std::monostate /*nothing*/) const { return rpc::Decision::go_on(); }
    rpc::Decision operator()(const AnswerStatus& answer) const { return answered(answer.status); }
    rpc::Decision operator()(const AnswerRefusal& answer) const {
        return rpc::Decision::refuse(answer.body);
    }
    rpc::Decision operator()(const AnswerDenial& answer) const {
        return rpc::Decision::deny(answer.body);
    }
    rpc::Decision operator()(AnswerGone /*act*/) const {
        switch (seen_.call().program.number) {
        case nfs::program.number: return answered(static_cast<std::uint32_t>(nfs::Status::stale));
        case mount::id3.number:
            return answered(static_cast<std::uint32_t>(mount::Status::no_entry));
        case nlm::program_number:
            return answered(static_cast<std::uint32_t>(nlm::Status::stale_handle));
        default: return rpc::Decision::go_on();
        }
    }
    rpc::Decision operator()(DropCall /*act*/) const { return rpc::Decision::drop(); }
    rpc::Decision operator()(CloseAtCall /*act*/) const { return rpc::Decision::close(); }
    rpc::Decision operator()(ResetAtCall /*act*/) const { return rpc::Decision::reset(); }
    rpc::Decision operator()(const Jukebox& jukebox) const {
        if (!rule_.is_too_early(seen_, jukebox.times)) return rpc::Decision::go_on();
        return answered(static_cast<std::uint32_t>(nfs::Status::jukebox));
    }

private:
    // NULL has no status, and a call whose arguments do not decode gets its own refusal.
    [[nodiscard]] rpc::Decision answered(std::uint32_t status) const {
        auto results = seen_.intercepted.failure(status);
        return results.empty() ? rpc::Decision::go_on() : rpc::Decision::answer(std::move(results));
    }

    Rule& rule_;
    const Seen& seen_;
};

/// The path that MNT or UMNT names, in any version of MOUNT; else empty. Points into the call.
std::string_view mounted_by(const rpc::Intercepted& call) {
    if (call.arrival() == rpc::Arrival::refused) return {};
    const auto number = call.call().procedure.number;
    const bool names_path =
        call.call().program.number == mount::id3.number &&
        (number == mount::Mount::id.number || number == mount::Unmount::id.number);
    if (!names_path) return {};
    mount::AskedPath path{};
    auto in = call.arguments();
    xdr::decode(in, path);
    return in.ok() ? path.view() : std::string_view{};
}

std::string first_handle(const Seen& seen) {
    if (seen.named.objects.empty()) return {};
    return std::string{seen.named.objects.front().handle_key()};
}

auto by_name(std::string_view name) {
    return [name](const std::shared_ptr<Rule>& rule) { return rule->name() == name; };
}

bool needs_seed(const Definition& rule) {
    const bool is_random_delay = rule.delay && (rule.delay->kind == Delay::Kind::uniform ||
                                                rule.delay->kind == Delay::Kind::normal);
    return (rule.selection.probability || is_random_delay) && !rule.has_seed;
}

}  // namespace

Faults::Faults(rpc::Dispatcher& dispatcher, const Paths& paths)
    : dispatcher_(dispatcher),
      paths_(paths) {}

std::string Faults::add(const std::string& text, const std::string& source) {
    return add(words_of(text, source));
}

std::string Faults::add(const std::vector<Word>& words) {
    auto definition = parse_rule(words, dispatcher_.programs());
    const auto place = words.front().place;
    if (needs_seed(definition)) {
        definition.selection.seed = std::random_device{}();
        definition.text += " seed=" + std::to_string(definition.selection.seed);
    }
    auto rules = rules_.synchronize();
    if (rules->size() >= rules_max)
        throw RuleError(place + ": there are " + std::to_string(rules_max) +
                        " rules already; no more are taken");
    while (definition.name.empty()) {
        auto name = "rule-" + std::to_string(++last_number_);
        if (std::ranges::none_of(*rules, by_name(name))) definition.name = std::move(name);
    }
    if (std::ranges::any_of(*rules, by_name(definition.name)))
        throw RuleError(place + ": there is a rule '" + definition.name + "' already");
    spdlog::warn("fault {}: {}", definition.name, definition.text);
    const auto rule = std::make_shared<Rule>(std::move(definition), began_);
    rules->push_back(rule);
    dispatcher_.intercept(shared_from_this());
    return rule->name();
}

bool Faults::remove(std::string_view name) {
    auto rules = rules_.synchronize();
    const auto found = std::ranges::find_if(*rules, by_name(name));
    if (found == rules->end()) return false;
    if ((*found)->gate()) (*found)->gate()->open();
    spdlog::info("fault {} is over after {} hits", name, (*found)->hits());
    rules->erase(found);
    if (rules->empty()) dispatcher_.intercept_no_more(*this);
    return true;
}

std::size_t Faults::clear() {
    auto rules = rules_.synchronize();
    for (const auto& rule : *rules)
        if (rule->gate()) rule->gate()->open();
    const auto count = rules->size();
    rules->clear();
    dispatcher_.intercept_no_more(*this);
    if (count > 0) spdlog::info("all faults are over");
    return count;
}

bool Faults::release(std::string_view name) {
    auto rules = rules_.synchronize();
    const auto found = std::ranges::find_if(*rules, by_name(name));
    if (found == rules->end() || !(*found)->gate()) return false;
    (*found)->gate()->open();
    return true;
}

std::vector<std::shared_ptr<Rule>> Faults::rules() const {
    return *rules_.synchronize();
}

rpc::Decision Faults::before(const rpc::Intercepted& call) {
    const auto rules = this->rules();
    const auto named = nfs::named_by(call);
    return carry_out(rules, {call, named, mounted_by(call), paths_});
}

// Rules act in their order. The first that answers or drops the call ends it; what earlier ones
// want to do with the reply is done to that answer.
rpc::Decision Faults::carry_out(const Rules& rules, const Seen& seen) {
    std::shared_ptr<Replying> replying;
    std::vector<std::shared_ptr<const rpc::Gate>> gates;
    Duration delay{0};
    std::uint64_t read_rate = 0;
    auto decision = rpc::Decision::go_on();
    for (const auto& rule : rules) {
        if (const auto status = rule->spoiled(seen)) {
            decision = Deciding{*rule, seen}(AnswerStatus{static_cast<std::uint32_t>(*status)});
            break;
        }
        if (!rule->hits(seen)) continue;
        if (rule->result().spoils_handles) {
            rule->spoil_handles(seen);
            decision =
                Deciding{*rule, seen}(AnswerStatus{static_cast<std::uint32_t>(nfs::Status::stale)});
            break;
        }
        delay += rule->delay();
        read_rate = std::max(read_rate, rule->read_rate());
        if (rule->gate() && !rule->gate()->is_open()) gates.push_back(rule->gate());
        if (rule->reply().any() || rule->result().any()) {
            if (!replying) replying = std::make_shared<Replying>();
            replying->add(rule->reply());
            if (rule->result().any()) replying->add(rule, first_handle(seen));
        }
        decision = std::visit(Deciding{*rule, seen}, rule->instead());
        if (decision.act() != rpc::Decision::Act::go_on) break;
    }
    return std::move(decision)
        .after(delay)
        .reading_at(read_rate)
        .behind(std::move(gates))
        .followed_by(std::move(replying));
}

}  // namespace berth::server::faults
