// A rule: which calls it hits, and what happens to them. Made by the parser (parse_rule).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "nfs/named.hpp"
#include "nfs/result_changes.hpp"
#include "rpc/interceptor.hpp"

namespace berth::server::faults {

using Clock = std::chrono::steady_clock;
using Duration = std::chrono::nanoseconds;

/// The paths of objects, as clients see them.
class Paths {
public:
    Paths() = default;
    Paths(const Paths&) = delete;
    Paths& operator=(const Paths&) = delete;
    virtual ~Paths() = default;

    /// "/srv/data/a.db"; empty if the handle leads nowhere. May wait for the file system.
    [[nodiscard]] virtual std::string of_object(std::span<const std::byte> handle) const = 0;
    /// "/srv/data": of the export.
    [[nodiscard]] virtual std::string of_export(std::span<const std::byte> handle) const = 0;
};

/// A call that has arrived, as conditions see it.
struct Seen {
    const rpc::Intercepted& intercepted;
    const nfs::Named& named;
    std::string_view mounted;  ///< the path that MNT or UMNT names
    const Paths& paths;

    [[nodiscard]] const rpc::Call& call() const noexcept { return intercepted.call(); }
};

using Condition = std::function<bool(const Seen& seen)>;

/// Numbers from `first` to `last`.
struct NumberRange {
    std::uint64_t first = 0;
    std::uint64_t last = std::numeric_limits<std::uint64_t>::max();

    [[nodiscard]] bool contains(std::uint64_t number) const noexcept {
        return first <= number && number <= last;
    }
};

/// Which of the calls that meet the conditions are hit.
struct Selection {
    enum class Per : std::uint8_t { rule, file, client };

    std::uint64_t skipped = 0;           ///< the first ones: after=N
    std::optional<std::uint64_t> first;  ///< the most that are hit: first=N
    std::uint64_t every = 1;             ///< every Nth
    /// Only calls that do not fit any more: READs and WRITEs before them have asked for so many
    /// bytes.
    std::optional<std::uint64_t> bytes_before;
    Per per = Per::rule;  ///< what has a count of its own
    std::optional<double> probability;
    std::uint64_t seed = 0;
    /// Only from `from` to `until` after the start of the server, or after the rule was added.
    Duration from{0};
    std::optional<Duration> until;
    bool since_added = false;
};

struct Delay {
    enum class Kind : std::uint8_t { fixed, uniform, normal, held };
    Kind kind = Kind::fixed;
    Duration first{0};   ///< fixed: the delay; uniform: the shortest; normal: the mean
    Duration second{0};  ///< uniform: the longest; normal: the standard deviation
};

/// The call does not run; this is its answer.
struct AnswerStatus {
    std::uint32_t status = 0;
};
struct AnswerRefusal {
    rpc::AcceptedBody body;
};
struct AnswerDenial {
    rpc::RejectedReply body;
};
/// As if its objects, or what it wants to mount, were not there.
struct AnswerGone {};
struct DropCall {};
struct CloseAtCall {};
struct ResetAtCall {};
/// The first N copies of a call are told to come later, the next one runs.
struct Jukebox {
    std::uint64_t times = 0;
};
using Instead = std::variant<std::monostate, AnswerStatus, AnswerRefusal, AnswerDenial, AnswerGone,
                             DropCall, CloseAtCall, ResetAtCall, Jukebox>;

/// What happens to the reply.
struct ReplyActs {
    bool is_dropped = false;
    bool closes = false;
    bool resets = false;
    unsigned copies = 0;
    Duration delay{0};
    bool is_behind_next = false;
    bool is_cut_in_half = false;
    rpc::Manner manner;
    std::optional<rpc::Address> source;

    [[nodiscard]] bool any() const noexcept {
        return is_dropped || closes || resets || copies > 0 || delay.count() > 0 ||
               is_behind_next || is_cut_in_half || !manner.is_usual() || source;
    }
};

/// Attributes that are not those of now.
enum class Outdated : std::uint8_t {
    no,
    first_seen,  ///< as the rule saw them first
    newer,       ///< modified and changed a second later
};

/// How a result lies, and what is refused from then on.
struct ResultActs {
    nfs::ResultChanges changes;
    Outdated attributes = Outdated::no;
    bool spoils_handles = false;  ///< the objects of the call are stale for good
    bool spoils_cookies = false;  ///< the last cookie of a listing is a bad one later

    [[nodiscard]] bool any() const noexcept {
        return changes.any() || attributes != Outdated::no || spoils_handles || spoils_cookies;
    }
};

struct Definition {
    std::string name;
    std::string text;  ///< as it was given
    bool has_seed = false;
    std::vector<Condition> conditions;
    Selection selection;
    std::optional<Delay> delay;
    std::uint64_t read_rate = 0;  ///< bytes a second; 0: as before
    Instead instead;
    ReplyActs reply;
    ResultActs result;
};

/// A rule in force. Locks itself.
class Rule {
public:
    Rule(Definition definition, Clock::time_point server_began);

    [[nodiscard]] const std::string& name() const noexcept { return definition_.name; }
    [[nodiscard]] const std::string& text() const noexcept { return definition_.text; }
    [[nodiscard]] std::uint64_t read_rate() const noexcept { return definition_.read_rate; }
    [[nodiscard]] const Instead& instead() const noexcept { return definition_.instead; }
    [[nodiscard]] const ReplyActs& reply() const noexcept { return definition_.reply; }
    [[nodiscard]] const ResultActs& result() const noexcept { return definition_.result; }
    /// Null if calls are not held.
    [[nodiscard]] const std::shared_ptr<rpc::Gate>& gate() const noexcept { return gate_; }
    [[nodiscard]] std::uint64_t hits() const;

    /// Whether the rule hits this call; then it counts it.
    [[nodiscard]] bool hits(const Seen& seen);
    /// How long to delay a call that was hit.
    [[nodiscard]] Duration delay();
    /// What an earlier hit of the rule has spoiled, if the call uses it: NFS3ERR_STALE or
    /// NFS3ERR_BAD_COOKIE.
    [[nodiscard]] std::optional<nfs::Status> spoiled(const Seen& seen);
    void spoil_handles(const Seen& seen);
    void spoil_cookie(std::string directory, std::uint64_t cookie);
    /// The attributes that the rule gives for these.
    [[nodiscard]] nfs::Attributes outdated(const nfs::Attributes& now);
    /// Whether this copy of a call is one of the first N.
    [[nodiscard]] bool is_too_early(const Seen& seen, std::uint64_t times);

private:
    /// Counts of files, clients or calls: the oldest are forgotten past this number.
    static constexpr std::size_t counts_max = 65536;

    [[nodiscard]] std::string counted_for(const Seen& seen) const;
    [[nodiscard]] bool fits(const Seen& seen);
    [[nodiscard]] bool is_chosen(std::uint64_t number) const noexcept;

    const Definition definition_;
    const Clock::time_point began_;
    const std::shared_ptr<rpc::Gate> gate_;

    mutable std::mutex lock_;
    // Guarded by lock_:
    std::mt19937_64 random_;
    std::uint64_t hits_ = 0;
    std::map<std::string, std::uint64_t> counts_;
    std::map<std::string, std::uint64_t> bytes_;
    std::map<std::string, std::uint64_t> copies_;
    std::set<std::string> spoiled_handles_;
    std::set<std::pair<std::string, std::uint64_t>> spoiled_cookies_;
    std::map<std::pair<std::uint64_t, std::uint64_t>, nfs::Attributes> first_seen_;
};

}  // namespace berth::server::faults
