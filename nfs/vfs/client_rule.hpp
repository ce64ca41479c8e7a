// One client entry of an export: which clients it means, what they may do, and where it was
// written. Plain values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nfs/vfs/client_address.hpp"
#include "nfs/vfs/export_options.hpp"

namespace berth::vfs {

/// What a client entry names its clients by. In order of precedence: of those that match a client,
/// one of the first kind decides, and of one kind the first in the file — exports(5).
enum class ClientKind : std::uint8_t { host, network, wildcard, netgroup, everyone };

/// Which clients an entry means.
struct ClientPattern {
    ClientKind kind = ClientKind::everyone;
    /// Of a host that is given by name, a wildcard, or a netgroup (without the '@').
    std::string name;
    /// Of a host that is given by address, and of a network.
    ClientNetwork network;

    /// Whether the system must be asked which clients these are.
    [[nodiscard]] bool needs_names() const noexcept { return !name.empty(); }
    /// As exports(5) writes it.
    [[nodiscard]] std::string text() const;

    bool operator==(const ClientPattern&) const = default;
};

/// Whether a host name matches a wildcard: '*' any characters, '?' one, "[a-c]" and "[!a-c]" one
/// of those or none of those; dots are characters like others, and case makes no difference.
[[nodiscard]] bool matches_wildcard(std::string_view wildcard, std::string_view host);

/// Empty, or what is wrong with the wildcard.
[[nodiscard]] std::string_view problem_of_wildcard(std::string_view wildcard);

/// How a caller proves who it is (RFC 5531 §8.2), as far as exports tell them apart.
enum class Flavor : std::uint8_t { none, sys };

/// Where something was written; lines and columns count from 1, columns in bytes.
struct SourcePlace {
    std::string file;
    std::size_t line = 0;
    std::size_t column = 0;

    /// "/etc/exports:3:17"; the file alone when it has no lines (the command line).
    [[nodiscard]] std::string text() const;
};

struct ClientRule {
    ClientPattern client;
    /// What callers of a flavour may do; empty where they are turned away.
    std::optional<ExportOptions> sys = ExportOptions{};
    std::optional<ExportOptions> none = ExportOptions{};
    /// What a client that mounts is told to use, most wanted first; never empty.
    std::vector<Flavor> offered{Flavor::sys};
    SourcePlace where;

    [[nodiscard]] const std::optional<ExportOptions>& options(Flavor flavor) const noexcept {
        return flavor == Flavor::sys ? sys : none;
    }
};

/// What the rule grants, in the words of exports(5): "rw,sync,root_squash,...".
[[nodiscard]] std::string describe(const ClientRule& rule);

}  // namespace berth::vfs
