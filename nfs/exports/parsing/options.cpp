#include "nfs/exports/parsing/options.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

#include "nfs/exports/table.hpp"
#include "rpc/text/nearest.hpp"

namespace berth::exports::parsing {
namespace {

/// An option without a value. Two of one group contradict each other in one list.
struct Plain {
    std::string_view name;
    std::string_view group;
    void (*of_flavor)(FlavorOptions&) = nullptr;  ///< for options that may differ by flavour
    void (*shared)(Options&) = nullptr;
};

// The options without an effect describe what berth always does: no handle leads out of its export
// (subtree_check), writes are not delayed but grouped if they coincide (wdelay), access lists
// of the file system always count (acl), a lock is given to whoever may open the file, and pNFS is
// a part of NFSv4.1.
constexpr Plain plain_options[] = {
    {"ro", "ro", [](FlavorOptions& options) { options.read_only = true; }},
    {"rw", "ro", [](FlavorOptions& options) { options.read_only = false; }},
    {"root_squash", "root_squash", [](FlavorOptions& options) { options.squash_root = true; }},
    {"no_root_squash", "root_squash", [](FlavorOptions& options) { options.squash_root = false; }},
    {"all_squash", "all_squash", [](FlavorOptions& options) { options.squash_all = true; }},
    {"no_all_squash", "all_squash", [](FlavorOptions& options) { options.squash_all = false; }},
    {"sync", "sync", nullptr, [](Options& options) { options.sync = true; }},
    {"async", "sync", nullptr, [](Options& options) { options.sync = false; }},
    {"secure", "secure", nullptr, [](Options& options) { options.secure = true; }},
    {"insecure", "secure", nullptr, [](Options& options) { options.secure = false; }},
    {"nordirplus", "nordirplus", nullptr,
     [](Options& options) { options.lists_attributes = false; }},
    {"crossmnt", "crossmnt", nullptr, [](Options& options) { options.crosses_mounts = true; }},
    {"nocrossmnt", "crossmnt", nullptr, [](Options& options) { options.crosses_mounts = false; }},
    {"hide", "hide", nullptr, [](Options& options) { options.is_hidden = true; }},
    {"nohide", "hide", nullptr, [](Options& options) { options.is_hidden = false; }},
    {"subtree_check", "subtree_check"},
    {"no_subtree_check", "subtree_check"},
    {"wdelay", "wdelay"},
    {"no_wdelay", "wdelay"},
    {"acl", "acl"},
    {"no_acl", "acl"},
    {"pnfs", "pnfs"},
    {"no_pnfs", "pnfs"},
    {"secure_locks", "secure_locks"},
    {"auth_nlm", "auth_nlm"},
    {"insecure_locks", "secure_locks"},
    {"no_auth_nlm", "auth_nlm"},
};

// Options of other servers; each would change what clients may do or see.
constexpr std::string_view unsupported_options[] = {
    "refer",
    "replicas",
    "security_label",
    "v4root",
};

/// Parses all of `text` as a number of this base.
std::optional<std::int64_t> number_of(std::string_view text, int base = 10) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
    if (error != std::errc{} || end != text.data() + text.size()) return {};
    return number;
}

/// A user or group id; negative ones count down from 2^32, as in old files (-2).
std::optional<std::uint32_t> id_of(std::string_view text) {
    constexpr std::int64_t no_id = 0xFFFFFFFF;
    auto number = number_of(text);
    if (number && *number < 0) *number += no_id + 1;
    if (!number || *number < 0 || *number >= no_id) return {};
    return static_cast<std::uint32_t>(*number);
}

/// 32 hex digits, whatever separates them.
std::optional<GivenFsid> uuid_of(std::string_view text) {
    constexpr std::size_t digits_of_uuid = 32;
    GivenFsid fsid;
    for (const char c : text) {
        const bool is_punctuation = c == '-' || c == ':' || c == '.' || c == '_';
        if (is_punctuation) continue;
        const bool is_upper = c >= 'A' && c <= 'F';
        fsid.text += is_upper ? static_cast<char>(c - 'A' + 'a') : c;
    }
    if (fsid.text.size() != digits_of_uuid) return {};
    for (const auto at : {0, 16}) {
        const auto half = std::string_view{fsid.text}.substr(static_cast<std::size_t>(at), 16);
        std::uint64_t value = 0;
        const auto [end, error] =
            std::from_chars(half.data(), half.data() + half.size(), value, 16);
        if (error != std::errc{} || end != half.data() + half.size()) return {};
        fsid.number ^= value;
    }
    return fsid;
}

std::optional<GivenFsid> fsid_of(std::string_view text) {
    if (text == "root") return GivenFsid{0, "0"};
    const bool is_hex = text.starts_with("0x");
    if (const auto number = number_of(is_hex ? text.substr(2) : text, is_hex ? 16 : 10)) {
        if (*number >= 0 && *number <= UINT32_MAX)
            return GivenFsid{static_cast<std::uint64_t>(*number), std::to_string(*number)};
    }
    return uuid_of(text);
}

class ListParser {
public:
    ListParser(Problems& problems, OptionList& list)
        : problems_(problems),
          list_(list),
          had_flavors_(!list.flavors.empty()) {}

    void parse(const Word& option) {
        const auto text = option.text();
        const auto equals = option.find('=');
        const auto name = text.substr(0, equals);
        if (text.empty()) return problems_.add(option, "expected an option");
        if (equals == option.size() && name != "mountpoint" && name != "mp") {
            if (!parse_plain(option, text)) refuse(option, name);
            return;
        }
        const auto value = equals == option.size() ? "" : text.substr(equals + 1);
        if (!parse_valued(option, name, value)) refuse(option, name);
    }

    static void add_names_of_valued(std::vector<std::string_view>& names) {
        for (const auto& option : valued_options) names.push_back(option.name);
    }

private:
    void refuse(const Word& option, const std::string& name) {
        if (std::ranges::find(plain_options, name, &Plain::name) != std::end(plain_options))
            return problems_.add(option, "this option has no value");
        if (std::ranges::find(valued_options, name, &Valued::name) != valued_options.end())
            return problems_.add(option, "this option needs a value, as " + name + "=...");
        const bool is_known =
            std::ranges::find(unsupported_options, name) != std::end(unsupported_options);
        problems_.add(option, is_known ? "berth does not support this option"
                                       : "there is no such option" +
                                             text::suggestion(name, option_names()));
    }

    /// Whether no other option in this list contradicts it.
    bool may_say(std::string_view group, const Word& option) {
        const auto text = option.text();
        const auto [said, is_new] = said_.emplace(group, text);
        if (is_new || said->second == text) return true;
        problems_.add(option, "contradicts '" + said->second + "' in the same list");
        return false;
    }

    bool parse_plain(const Word& option, const std::string& text) {
        const auto* const known = std::ranges::find(plain_options, text, &Plain::name);
        if (known == std::end(plain_options)) return false;
        if (!may_say(known->group, option)) return true;
        if (known->of_flavor != nullptr) {
            if (is_for_sys_) known->of_flavor(list_.sys);
            if (is_for_none_) known->of_flavor(list_.none);
        }
        if (known->shared != nullptr) known->shared(list_.shared);
        return true;
    }

    bool parse_valued(const Word& option, const std::string& name, const std::string& value) {
        const auto* const known = std::ranges::find(valued_options, name, &Valued::name);
        if (known == std::end(valued_options)) return false;
        (this->*known->parse)(option, name, value);
        return true;
    }

    void parse_id(const Word& option, const std::string& name, const std::string& value) {
        const auto id = id_of(value);
        if (!id) return problems_.add(option, "expected a number from 0 to 4294967294");
        if (!may_say(name, option)) return;
        (name == "anonuid" ? list_.shared.anonymous_uid : list_.shared.anonymous_gid) = *id;
    }

    /// Adds a range each time; the first one in a list replaces the ranges of the line's default
    /// options.
    void parse_map(const Word& option, const std::string& name, const std::string& value) {
        auto& map = name == "map-uid" ? list_.shared.users : list_.shared.groups;
        if (said_.emplace(name, option.text()).second) map = {};
        if (auto problem = map.add(value); !problem.empty())
            problems_.add(option, std::move(problem));
    }

    void parse_fsid(const Word& option, const std::string& /*name*/, const std::string& value) {
        auto fsid = fsid_of(value);
        if (!fsid) return problems_.add(option, "expected a number below 2^32, 'root', or a UUID");
        if (may_say("fsid", option)) list_.fsid = {*std::move(fsid), option};
    }

    void parse_mount_point(const Word& option, const std::string& /*name*/,
                           const std::string& value) {
        const bool has_value = option.find('=') != option.size();
        auto path = has_value ? normalised(value) : std::string{};
        if (!path) return problems_.add(option, "expected an absolute path without '..'");
        if (may_say("mountpoint", option)) list_.mount_point = {*std::move(path), option};
    }

    /// Transports that clients may use: without TLS there is one, and it must be in the list.
    void parse_transports(const Word& option, const std::string& name,
                          const std::string& /*value*/) {
        bool has_none = false;
        bool is_known = true;
        for (const auto& piece : option.part(option.find('=') + 1, option.size()).split(':')) {
            const auto transport = piece.text();
            has_none |= transport == "none";
            is_known &= transport == "none" || transport == "tls" || transport == "mtls";
        }
        if (!is_known)
            problems_.add(option, "expected a list of none, tls and mtls");
        else if (!has_none)
            problems_.add(option, "berth has no TLS, so no client could mount without 'none'");
        else
            static_cast<void>(may_say(name, option));
    }

    void parse_flavors(const Word& option, const std::string& /*name*/,
                       const std::string& /*value*/) {
        if (had_flavors_) {
            problems_.add(option, "the default options of this line say which flavours already");
            return;
        }
        // The options that follow are for these flavours; options for other flavours do not
        // contradict them.
        for (const auto* group : {"ro", "root_squash", "all_squash"}) said_.erase(group);
        is_for_sys_ = is_for_none_ = false;
        for (const auto& piece : option.part(option.find('=') + 1, option.size()).split(':')) {
            const auto name = piece.text();
            if (name != "sys" && name != "none") {
                problems_.add(piece.empty() ? option : piece,
                              "expected the security flavours sys or none; berth has no others");
                continue;
            }
            const auto flavor = name == "sys" ? Flavor::sys : Flavor::none;
            if (std::ranges::find(list_.flavors, flavor) != list_.flavors.end())
                problems_.add(piece, "this flavour is listed already");
            else
                list_.flavors.push_back(flavor);
            (flavor == Flavor::sys ? is_for_sys_ : is_for_none_) = true;
        }
    }

    struct Valued {
        std::string_view name;
        void (ListParser::*parse)(const Word& option, const std::string& name,
                                  const std::string& value);
    };
    static const std::array<Valued, 9> valued_options;

    Problems& problems_;
    OptionList& list_;
    const bool had_flavors_;
    bool is_for_sys_ = true;
    bool is_for_none_ = true;
    std::map<std::string, std::string, std::less<>> said_;
};

constexpr std::array<ListParser::Valued, 9> ListParser::valued_options{{
    {"anonuid", &ListParser::parse_id},
    {"anongid", &ListParser::parse_id},
    {"fsid", &ListParser::parse_fsid},
    {"map-gid", &ListParser::parse_map},
    {"map-uid", &ListParser::parse_map},
    {"mountpoint", &ListParser::parse_mount_point},
    {"mp", &ListParser::parse_mount_point},
    {"sec", &ListParser::parse_flavors},
    {"xprtsec", &ListParser::parse_transports},
}};

Options merged(const Options& shared, const FlavorOptions& of_flavor) {
    auto options = shared;
    options.read_only = of_flavor.read_only;
    options.squash = of_flavor.squash_all    ? Squash::all
                     : of_flavor.squash_root ? Squash::root
                                             : Squash::none;
    return options;
}

}  // namespace

ClientRule OptionList::rule() const {
    ClientRule rule;
    rule.sys = merged(shared, sys);
    rule.none = merged(shared, none);
    if (flavors.empty()) return rule;
    rule.offered = flavors;
    const auto is_listed = [&](Flavor flavor) {
        return std::ranges::find(flavors, flavor) != flavors.end();
    };
    if (!is_listed(Flavor::none)) rule.none.reset();
    // Where callers need no identity, callers that claim one are anonymous; this also serves
    // clients that always send a user (Linux).
    if (!is_listed(Flavor::sys)) {
        rule.sys = rule.none;
        rule.sys->squash = Squash::all;
    }
    return rule;
}

std::vector<std::string_view> option_names() {
    std::vector<std::string_view> names;
    for (const auto& option : plain_options) names.push_back(option.name);
    ListParser::add_names_of_valued(names);
    return names;
}

void parse_options(const Word& text, Problems& problems, OptionList& list) {
    ListParser parser{problems, list};
    for (const auto& option : text.split(',')) parser.parse(option);
}

}  // namespace berth::exports::parsing
