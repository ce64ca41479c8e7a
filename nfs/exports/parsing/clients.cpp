#include "nfs/exports/parsing/clients.hpp"

#include <algorithm>
#include <bit>
#include <charconv>

namespace berth::exports::parsing {
namespace {

constexpr std::string_view wildcard_syntax = "*?[]";
constexpr std::string_view digits = "0123456789";
constexpr std::string_view name_letters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";

bool consists_of(std::string_view text, std::string_view letters) {
    return text.find_first_not_of(letters) == std::string_view::npos;
}

std::string lower(std::string text) {
    for (auto& c : text)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return text;
}

/// The prefix length of a dotted netmask; its ones must come before its zeros.
std::optional<unsigned> bits_of_mask(std::string_view text) {
    const auto mask = ClientAddress::parse(text);
    if (!mask || !mask->is_v4()) return {};
    std::uint32_t value = 0;
    for (std::size_t at = 12; at < mask->bytes.size(); ++at)
        value = value << 8 | std::to_integer<std::uint32_t>(mask->bytes[at]);
    const auto ones = static_cast<unsigned>(std::countl_one(value));
    if (ones < 32 && value << ones != 0) return {};
    return ones;
}

class ClientParser {
public:
    ClientParser(const Word& word, Problems& problems)
        : word_(word),
          problems_(problems),
          text_(word.text()) {}

    std::optional<ClientPattern> parse() {
        if (word_.has_literals()) return refuse("a client's name has no quotes and no backslash");
        if (text_ == "*") return ClientPattern{};
        if (text_.front() == '@') return netgroup();
        if (text_.starts_with("gss/")) return refuse("berth has no RPCSEC_GSS; expected a client");
        if (const auto address = ClientAddress::parse(text_))
            return ClientPattern{.kind = ClientKind::host, .name = {}, .network = {*address}};
        if (text_.find('/') != std::string::npos) return network();
        if (text_.find_first_of(wildcard_syntax) != std::string::npos) return wildcard();
        return host();
    }

private:
    std::nullopt_t refuse(std::string what) {
        problems_.add(word_, std::move(what));
        return std::nullopt;
    }

    std::optional<ClientPattern> netgroup() {
        auto name = text_.substr(1);
        if (name.empty() || !consists_of(name, name_letters))
            return refuse("expected the name of a netgroup after the '@'");
        return ClientPattern{.kind = ClientKind::netgroup, .name = std::move(name), .network = {}};
    }

    std::optional<ClientPattern> network() {
        const auto slash = text_.find('/');
        const auto address = ClientAddress::parse(text_.substr(0, slash));
        if (!address) return refuse("expected an IP address before the '/'");
        const auto length = std::string_view{text_}.substr(slash + 1);
        const unsigned bits_max = address->is_v4() ? 32 : 128;
        std::optional<unsigned> bits;
        if (!length.empty() && consists_of(length, digits)) {
            unsigned number = 0;
            const auto parsed =
                std::from_chars(length.data(), length.data() + length.size(), number);
            if (parsed.ec == std::errc{}) bits = number;
        } else if (address->is_v4()) {
            bits = bits_of_mask(length);
        }
        if (!bits || *bits > bits_max)
            return refuse(address->is_v4() ? "expected a length from 0 to 32 or a netmask as "
                                             "255.255.255.0 after the '/'"
                                           : "expected a length from 0 to 128 after the '/'");
        const auto before = ClientNetwork::whole_address - bits_max;
        return ClientPattern{.kind = ClientKind::network,
                             .name = {},
                             .network = ClientNetwork::of(*address, before + *bits)};
    }

    std::optional<ClientPattern> wildcard() {
        if (text_.front() == '[' && text_.back() == ']' &&
            ClientAddress::parse(std::string_view{text_}.substr(1, text_.size() - 2)))
            return refuse("an IPv6 address is written without brackets");
        const bool has_digits = text_.find_first_of(digits) != std::string::npos;
        if (has_digits && consists_of(text_, "0123456789.*?"))
            return refuse("wildcards match names, not addresses; expected a network as "
                          "192.0.2.0/24");
        if (!consists_of(text_, std::string{name_letters} + "*?[]!^"))
            return refuse("expected a host name with the wildcards *, ? and [a-z]");
        if (const auto problem = problem_of_wildcard(text_); !problem.empty())
            return refuse(std::string{problem});
        return ClientPattern{.kind = ClientKind::wildcard, .name = lower(text_), .network = {}};
    }

    std::optional<ClientPattern> host() {
        const auto last = std::string_view{text_}.substr(text_.find_last_of('.') + 1);
        // No host name ends in a label of digits.
        const bool is_like_address =
            consists_of(text_, "0123456789.") || (!last.empty() && consists_of(last, digits));
        if (is_like_address && text_.find('-') != std::string::npos)
            return refuse("no range of addresses; expected a network as 192.0.2.0/24");
        if (!consists_of(text_, name_letters) || is_like_address)
            return refuse("expected a client: a host name, an IP address, a network, a wildcard, "
                          "@netgroup or *");
        return ClientPattern{.kind = ClientKind::host, .name = lower(text_), .network = {}};
    }

    const Word& word_;
    Problems& problems_;
    std::string text_;
};

}  // namespace

std::optional<ClientPattern> parse_client(const Word& word, Problems& problems) {
    return ClientParser{word, problems}.parse();
}

}  // namespace berth::exports::parsing
