// One client entry of an export: the clients that it matches, what they may do, and where it was
// written. Plain values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nfs/exports/client_address.hpp"
#include "nfs/exports/options.hpp"

namespace berth::exports {

/// How a client entry names its clients, in order of precedence: of the entries that match a
/// client, the one of the first kind decides, and within a kind the first in the file — exports(5).
enum class ClientKind : std::uint8_t { host, network, wildcard, netgroup, everyone };

/// The clients that an entry matches.
struct ClientPattern {
    ClientKind kind = ClientKind::everyone;
    /// For a host given by name, a wildcard, or a netgroup (without the '@').
    std::string name;
    /// For a host given by address, and for a network.
    ClientNetwork network;

    /// Whether matching needs a question to the system's name services.
    [[nodiscard]] bool needs_names() const noexcept { return !name.empty(); }
    /// In the syntax of exports(5).
    [[nodiscard]] std::string text() const;

    bool operator==(const ClientPattern&) const = default;
};

/// For containers with patterns as keys.
struct ClientPatternHash {
    [[nodiscard]] std::size_t operator()(const ClientPattern& pattern) const noexcept;
};

/// Loopback addresses, and those that are routed only within a site: RFC 1918, RFC 6598, RFC 3927,
/// RFC 4193 and RFC 4291 §2.5.6.
[[nodiscard]] std::vector<ClientPattern> private_clients();

/// SourcePlace::file of entries that come from the command line.
inline constexpr std::string_view place_of_clients = "--clients";
inline constexpr std::string_view place_of_default_clients = "the default of --clients";

/// Whether a host name matches a wildcard: '*' any characters, '?' one character, "[a-c]" and
/// "[!a-c]" one character in or not in the set. Dots are ordinary characters; case is ignored.
[[nodiscard]] bool matches_wildcard(std::string_view wildcard, std::string_view host);

/// Empty, or what is wrong with the wildcard.
[[nodiscard]] std::string_view problem_of_wildcard(std::string_view wildcard);

/// How callers authenticate (RFC 5531 §8.2), as far as exports distinguish that.
enum class Flavor : std::uint8_t { none, sys };

/// Where something was written; lines and columns count from 1, columns in bytes.
struct SourcePlace {
    std::string file;
    std::size_t line = 0;
    std::size_t column = 0;

    /// "/etc/exports:3:17"; only the file if it has no lines (the command line).
    [[nodiscard]] std::string text() const;
};

struct ClientRule {
    ClientPattern client;
    /// The options for callers of a flavour; empty: they are refused.
    std::optional<Options> sys = Options{};
    std::optional<Options> none = Options{};
    /// The flavours offered to a mounting client, preferred ones first; never empty.
    std::vector<Flavor> offered{Flavor::sys};
    SourcePlace where;

    [[nodiscard]] const std::optional<Options>& options(Flavor flavor) const noexcept {
        return flavor == Flavor::sys ? sys : none;
    }
};

/// The rights that the rule grants, in the syntax of exports(5): "rw,sync,root_squash,...".
[[nodiscard]] std::string describe(const ClientRule& rule);

}  // namespace berth::exports
