#include "server/faults/rule.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "rpc/call_key.hpp"

namespace berth::server::faults {
namespace {

/// Random numbers are made here and not by the distributions of <random>, which differ between
/// libraries: the same seed gives the same events everywhere.
double unit_from(std::mt19937_64& random) {
    constexpr double steps = 9007199254740992.0;  // 2^53
    return static_cast<double>(random() >> 11) / steps;
}

Duration normal_from(std::mt19937_64& random, const Delay& delay) {
    constexpr double pi = 3.14159265358979323846;
    const auto radius = std::sqrt(-2.0 * std::log(1.0 - unit_from(random)));
    const auto angle = 2.0 * pi * unit_from(random);
    const auto value = static_cast<double>(delay.first.count()) +
                       static_cast<double>(delay.second.count()) * radius * std::cos(angle);
    return Duration{static_cast<Duration::rep>(std::max(0.0, value))};
}

std::shared_ptr<rpc::Gate> gate_for(const std::optional<Delay>& delay) {
    const bool is_held = delay && delay->kind == Delay::Kind::held;
    return is_held ? std::make_shared<rpc::Gate>() : nullptr;
}

/// A place in a map of counts with a ceiling.
std::uint64_t& place_in(std::map<std::string, std::uint64_t>& counts, const std::string& key,
                        std::size_t most) {
    if (counts.size() >= most && !counts.contains(key)) counts.erase(counts.begin());
    return counts[key];
}

}  // namespace

Rule::Rule(Definition definition, Clock::time_point server_began)
    : definition_(std::move(definition)),
      began_(definition_.selection.since_added ? Clock::now() : server_began),
      gate_(gate_for(definition_.delay)),
      random_(definition_.selection.seed) {}

std::uint64_t Rule::hits() const {
    const std::scoped_lock held{lock_};
    return hits_;
}

bool Rule::hits(const Seen& seen) {
    const auto& selection = definition_.selection;
    const auto since = seen.intercepted.arrived_at() - began_;
    if (since < selection.from || (selection.until && since >= *selection.until)) return false;
    for (const auto& condition : definition_.conditions)
        if (!condition(seen)) return false;
    const std::scoped_lock held{lock_};
    if (definition_.selection.bytes_before && fits(seen)) return false;
    if (!is_chosen(++place_in(counts_, counted_for(seen), counts_max))) return false;
    // Only calls that are chosen otherwise use up random numbers, so that what else goes on does
    // not change the order of events.
    if (selection.probability && unit_from(random_) >= *selection.probability) return false;
    ++hits_;
    return true;
}

bool Rule::is_chosen(std::uint64_t number) const noexcept {
    const auto& selection = definition_.selection;
    if (number <= selection.skipped) return false;
    number -= selection.skipped;
    if (number % selection.every != 0) return false;
    return !selection.first || number / selection.every <= *selection.first;
}

/// What has counts of its own: nothing, a file or a client.
std::string Rule::counted_for(const Seen& seen) const {
    std::string key;
    switch (definition_.selection.per) {
    case Selection::Per::rule: break;
    case Selection::Per::client: key = seen.call().caller.address.text(); break;
    case Selection::Per::file:
        for (const auto& object : seen.named.objects)
            key += std::string{object.handle_key()} + "/" + std::string{object.name} + "/";
        break;
    }
    return key;
}

/// Whether the call's bytes are among the first ones. Then they count.
bool Rule::fits(const Seen& seen) {
    const std::uint64_t size = seen.named.bytes.value_or(0);
    auto& before = place_in(bytes_, counted_for(seen), counts_max);
    if (size > *definition_.selection.bytes_before - before) return false;
    before += size;
    return true;
}

Duration Rule::delay() {
    if (!definition_.delay) return {};
    const auto& delay = *definition_.delay;
    const std::scoped_lock held{lock_};
    switch (delay.kind) {
    case Delay::Kind::fixed: return delay.first;
    case Delay::Kind::uniform: {
        const auto span = static_cast<double>((delay.second - delay.first).count());
        return delay.first + Duration{static_cast<Duration::rep>(span * unit_from(random_))};
    }
    case Delay::Kind::normal: return normal_from(random_, delay);
    case Delay::Kind::held: break;
    }
    return {};
}

std::optional<nfs::Status> Rule::spoiled(const Seen& seen) {
    const auto& acts = definition_.result;
    if (!acts.spoils_handles && !acts.spoils_cookies) return {};
    const std::scoped_lock held{lock_};
    for (const auto& object : seen.named.objects)
        if (spoiled_handles_.contains(std::string{object.handle_key()})) return nfs::Status::stale;
    if (!seen.named.cookie || seen.named.objects.empty()) return {};
    const std::pair place{std::string{seen.named.objects.front().handle_key()}, *seen.named.cookie};
    if (spoiled_cookies_.contains(place)) return nfs::Status::bad_cookie;
    return {};
}

void Rule::spoil_handles(const Seen& seen) {
    const std::scoped_lock held{lock_};
    for (const auto& object : seen.named.objects)
        if (spoiled_handles_.size() < counts_max) spoiled_handles_.emplace(object.handle_key());
}

void Rule::spoil_cookie(std::string directory, std::uint64_t cookie) {
    const std::scoped_lock held{lock_};
    if (spoiled_cookies_.size() < counts_max)
        spoiled_cookies_.emplace(std::move(directory), cookie);
}

nfs::Attributes Rule::outdated(const nfs::Attributes& now) {
    auto given = now;
    switch (definition_.result.attributes) {
    case Outdated::no: break;
    case Outdated::newer:
        ++given.modified.seconds;
        ++given.changed.seconds;
        break;
    case Outdated::first_seen: {
        const std::scoped_lock held{lock_};
        if (first_seen_.size() < counts_max)
            given = first_seen_.try_emplace({now.fsid, now.fileid}, now).first->second;
        break;
    }
    }
    return given;
}

// A client asks again with another xid, so copies are recognised by the procedure and arguments.
bool Rule::is_too_early(const Seen& seen, std::uint64_t times) {
    const auto& call = seen.call();
    const auto arguments = seen.intercepted.arguments();
    auto key = call.caller.address.text() + " " + std::to_string(call.program.number) + " " +
               std::to_string(call.procedure.number) + " ";
    key += std::to_string(rpc::body_checksum(arguments.rest()));
    const std::scoped_lock held{lock_};
    auto& seen_before = place_in(copies_, key, counts_max);
    if (seen_before++ < times) return true;
    copies_.erase(key);
    return false;
}

}  // namespace berth::server::faults
