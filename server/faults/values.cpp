#include "server/faults/values.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>

#include "mount/protocol.hpp"
#include "nfs/types.hpp"
#include "nlm/protocol.hpp"
#include "rpc/text/nearest.hpp"

namespace berth::server::faults {
namespace {

template <class Number>
std::optional<Number> parsed(std::string_view text) {
    Number number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return {};
    return number;
}

std::optional<std::uint64_t> number_in(std::string_view text) {
    if (text.empty()) return {};
    const auto unit = std::string_view{"KMG"}.find(text.back());
    const bool has_unit = unit != std::string_view::npos;
    const auto number = parsed<std::uint64_t>(has_unit ? text.substr(0, text.size() - 1) : text);
    const auto shift = has_unit ? 10 * (unit + 1) : 0;
    if (!number || *number > std::numeric_limits<std::uint64_t>::max() >> shift) return {};
    return *number << shift;
}

std::optional<Duration> duration_in(std::string_view text) {
    struct Unit {
        std::string_view name;
        double nanoseconds;
    };
    constexpr std::array<Unit, 6> units{
        {{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}}};
    const auto digits = std::min(text.find_first_not_of("0123456789."), text.size());
    const auto unit = std::ranges::find(units, text.substr(digits), &Unit::name);
    const auto number = parsed<double>(text.substr(0, digits));
    constexpr double longest = 1e17;  // three years
    if (unit == units.end() || !number || *number * unit->nanoseconds > longest) return {};
    return Duration{static_cast<Duration::rep>(*number * unit->nanoseconds)};
}

std::optional<NumberRange> range_in(std::string_view text) {
    const auto dash = text.find('-');
    if (dash == std::string_view::npos) {
        const auto number = number_in(text);
        if (!number) return {};
        return NumberRange{*number, *number};
    }
    NumberRange range;
    const auto take = [](std::string_view part, std::uint64_t& into) {
        if (part.empty()) return true;
        const auto number = number_in(part);
        if (number) into = *number;
        return number.has_value();
    };
    const bool is_good = text.size() > 1 && take(text.substr(0, dash), range.first) &&
                         take(text.substr(dash + 1), range.last) && range.first <= range.last;
    if (!is_good) return {};
    return range;
}

constexpr std::uint32_t nfs_program = 100003;
constexpr std::uint32_t mount_program = 100005;
constexpr std::uint32_t nlm_program = 100021;

template <class Status>
constexpr StatusName of(std::uint32_t program, std::string_view name, Status status) {
    return {program, name, static_cast<std::uint32_t>(status)};
}

using Nfs = nfs::Status;
using Mnt = mount::Status;
using Nlm = nlm::Status;

// RFC 1813 §2.6 and §5.1.5; X/Open XNFS chapter 14. Only those that are no success, but for
// NLM4_GRANTED: a lie there needs nothing else in the reply.
constexpr std::array statuses{
    of(nfs_program, "NFS3ERR_PERM", Nfs::not_owner),
    of(nfs_program, "NFS3ERR_NOENT", Nfs::no_entry),
    of(nfs_program, "NFS3ERR_IO", Nfs::io),
    of(nfs_program, "NFS3ERR_NXIO", Nfs::no_such_device),
    of(nfs_program, "NFS3ERR_ACCES", Nfs::access),
    of(nfs_program, "NFS3ERR_EXIST", Nfs::exists),
    of(nfs_program, "NFS3ERR_XDEV", Nfs::cross_device),
    of(nfs_program, "NFS3ERR_NODEV", Nfs::no_device),
    of(nfs_program, "NFS3ERR_NOTDIR", Nfs::not_directory),
    of(nfs_program, "NFS3ERR_ISDIR", Nfs::is_directory),
    of(nfs_program, "NFS3ERR_INVAL", Nfs::invalid),
    of(nfs_program, "NFS3ERR_FBIG", Nfs::file_too_big),
    of(nfs_program, "NFS3ERR_NOSPC", Nfs::no_space),
    of(nfs_program, "NFS3ERR_ROFS", Nfs::read_only),
    of(nfs_program, "NFS3ERR_MLINK", Nfs::too_many_links),
    of(nfs_program, "NFS3ERR_NAMETOOLONG", Nfs::name_too_long),
    of(nfs_program, "NFS3ERR_NOTEMPTY", Nfs::not_empty),
    of(nfs_program, "NFS3ERR_DQUOT", Nfs::quota),
    of(nfs_program, "NFS3ERR_STALE", Nfs::stale),
    of(nfs_program, "NFS3ERR_REMOTE", Nfs::remote),
    of(nfs_program, "NFS3ERR_BADHANDLE", Nfs::bad_handle),
    of(nfs_program, "NFS3ERR_NOT_SYNC", Nfs::not_sync),
    of(nfs_program, "NFS3ERR_BAD_COOKIE", Nfs::bad_cookie),
    of(nfs_program, "NFS3ERR_NOTSUPP", Nfs::not_supported),
    of(nfs_program, "NFS3ERR_TOOSMALL", Nfs::too_small),
    of(nfs_program, "NFS3ERR_SERVERFAULT", Nfs::server_fault),
    of(nfs_program, "NFS3ERR_BADTYPE", Nfs::bad_type),
    of(nfs_program, "NFS3ERR_JUKEBOX", Nfs::jukebox),
    of(mount_program, "MNT3ERR_PERM", Mnt::not_permitted),
    of(mount_program, "MNT3ERR_NOENT", Mnt::no_entry),
    of(mount_program, "MNT3ERR_IO", Mnt::io_error),
    of(mount_program, "MNT3ERR_ACCES", Mnt::access_denied),
    of(mount_program, "MNT3ERR_NOTDIR", Mnt::not_a_directory),
    of(mount_program, "MNT3ERR_INVAL", Mnt::invalid),
    of(mount_program, "MNT3ERR_NAMETOOLONG", Mnt::name_too_long),
    of(mount_program, "MNT3ERR_NOTSUPP", Mnt::not_supported),
    of(mount_program, "MNT3ERR_SERVERFAULT", Mnt::server_fault),
    of(nlm_program, "NLM4_GRANTED", Nlm::granted),
    of(nlm_program, "NLM4_DENIED", Nlm::denied),
    of(nlm_program, "NLM4_DENIED_NOLOCKS", Nlm::denied_no_locks),
    of(nlm_program, "NLM4_BLOCKED", Nlm::blocked),
    of(nlm_program, "NLM4_DENIED_GRACE_PERIOD", Nlm::denied_grace_period),
    of(nlm_program, "NLM4_DEADLCK", Nlm::deadlock),
    of(nlm_program, "NLM4_ROFS", Nlm::read_only),
    of(nlm_program, "NLM4_STALE_FH", Nlm::stale_handle),
    of(nlm_program, "NLM4_FBIG", Nlm::too_big),
    of(nlm_program, "NLM4_FAILED", Nlm::failed),
};

std::string expected_one_of(std::string_view value, const std::vector<std::string_view>& known) {
    if (auto meant = text::suggestion(value, known); !meant.empty()) return "unknown" + meant;
    std::string text = "expected ";
    for (std::size_t at = 0; at < known.size(); ++at)
        text += (at == 0 ? "" : at + 1 < known.size() ? ", " : " or ") + std::string{known[at]};
    return text;
}

}  // namespace

std::uint64_t number_of(const Word& word, std::uint64_t least) {
    const auto number = number_in(word.value);
    if (!number || *number < least)
        word.refuse("expected a number" +
                    (least > 0 ? " from " + std::to_string(least) + " on" : std::string{}));
    return *number;
}

std::vector<NumberRange> ranges_of(const Word& word) {
    std::vector<NumberRange> ranges;
    for (const auto& part : parts_of(word.value)) {
        const auto range = range_in(part);
        if (!range) word.refuse("expected numbers, as 4096, 0-4095 or 1M-");
        ranges.push_back(*range);
    }
    return ranges;
}

Duration duration_of(const Word& word) {
    const auto duration = duration_in(word.value);
    if (!duration) word.refuse("expected a time, as 200ms, 1.5s or 2m");
    return *duration;
}

Delay delay_of(const Word& word) {
    if (word.value == "held") return {.kind = Delay::Kind::held};
    for (const auto& [mark, kind] : {std::pair{std::string_view{".."}, Delay::Kind::uniform},
                                     std::pair{std::string_view{"~"}, Delay::Kind::normal}}) {
        const auto at = word.value.find(mark);
        if (at == std::string::npos) continue;
        const auto first = duration_in(std::string_view{word.value}.substr(0, at));
        const auto second = duration_in(std::string_view{word.value}.substr(at + mark.size()));
        const bool is_good = first && second && (kind == Delay::Kind::normal || *first <= *second);
        if (!is_good) word.refuse("expected a time, as 200ms, 100ms..300ms, 200ms~50ms or held");
        return {.kind = kind, .first = *first, .second = *second};
    }
    const auto fixed = duration_in(word.value);
    if (!fixed) word.refuse("expected a time, as 200ms, 100ms..300ms, 200ms~50ms or held");
    return {.kind = Delay::Kind::fixed, .first = *fixed};
}

double probability_of(const Word& word) {
    const auto value = parsed<double>(word.value);
    if (!value || !(*value > 0) || *value > 1)
        word.refuse("expected a probability above 0, at most 1");
    return *value;
}

std::uint32_t choice_of(const Word& word, const std::vector<Named>& known) {
    const auto found = std::ranges::find(known, std::string_view{word.value}, &Named::name);
    if (found != known.end()) return found->number;
    std::vector<std::string_view> names;
    names.reserve(known.size());
    for (const auto& one : known) names.push_back(one.name);
    word.refuse(expected_one_of(word.value, names));
}

StatusName status_of(const Word& word) {
    const auto found = std::ranges::find(statuses, std::string_view{word.value}, &StatusName::name);
    if (found != statuses.end()) return *found;
    std::vector<std::string_view> names;
    names.reserve(statuses.size());
    for (const auto& one : statuses) names.push_back(one.name);
    const auto meant = text::suggestion(word.value, names);
    word.refuse(meant.empty() ? "expected a status, as NFS3ERR_IO, MNT3ERR_ACCES or NLM4_DENIED"
                              : "unknown" + meant);
}

rpc::AcceptedBody refusal_of(const Word& word) {
    using rpc::AcceptStatus;
    const auto number = [](AcceptStatus status) { return static_cast<std::uint32_t>(status); };
    const auto chosen = static_cast<AcceptStatus>(
        choice_of(word, {{"PROG_UNAVAIL", number(AcceptStatus::program_unavailable)},
                         {"PROG_MISMATCH", number(AcceptStatus::program_mismatch)},
                         {"PROC_UNAVAIL", number(AcceptStatus::procedure_unavailable)},
                         {"GARBAGE_ARGS", number(AcceptStatus::garbage_arguments)},
                         {"SYSTEM_ERR", number(AcceptStatus::system_error)}}));
    // Versions that no client asks for.
    constexpr rpc::MismatchInfo known{.low = 1, .high = 1};
    if (chosen == AcceptStatus::program_mismatch)
        return rpc::AcceptedBody::make<AcceptStatus::program_mismatch>(known);
    return rpc::AcceptedBody::otherwise(chosen);
}

rpc::RejectedReply denial_of(const Word& word) {
    using rpc::AuthStatus;
    using rpc::RejectStatus;
    constexpr std::uint32_t mismatch = 0;
    const auto number = [](AuthStatus status) { return static_cast<std::uint32_t>(status); };
    const auto chosen =
        choice_of(word, {{"RPC_MISMATCH", mismatch},
                         {"AUTH_BADCRED", number(AuthStatus::bad_credential)},
                         {"AUTH_REJECTEDCRED", number(AuthStatus::rejected_credential)},
                         {"AUTH_BADVERF", number(AuthStatus::bad_verifier)},
                         {"AUTH_REJECTEDVERF", number(AuthStatus::rejected_verifier)},
                         {"AUTH_TOOWEAK", number(AuthStatus::too_weak)},
                         {"AUTH_INVALIDRESP", number(AuthStatus::invalid_response)},
                         {"AUTH_FAILED", number(AuthStatus::failed)},
                         {"RPCSEC_GSS_CREDPROBLEM", number(AuthStatus::gss_credential_problem)},
                         {"RPCSEC_GSS_CTXPROBLEM", number(AuthStatus::gss_context_problem)}});
    if (chosen == mismatch)
        return rpc::RejectedReply::make<RejectStatus::rpc_mismatch>({.low = 2, .high = 2});
    return rpc::RejectedReply::make<RejectStatus::authentication_error>(
        static_cast<AuthStatus>(chosen));
}

}  // namespace berth::server::faults
