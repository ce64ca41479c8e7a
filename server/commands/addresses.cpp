#include "server/commands/addresses.hpp"

#include <charconv>
#include <string_view>

namespace berth::server::commands {
namespace {

std::optional<std::uint16_t> port_of(std::string_view text) {
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc{} || end != text.data() + text.size()) return {};
    return port;
}

}  // namespace

std::optional<ListenAddress> parse_listen_address(const std::string& text, std::string& problem) {
    ListenAddress listen;
    auto host = text;
    const auto colon = text.rfind(':');
    const bool bare_v6 =
        colon != std::string::npos && text.find(':') != colon && text.front() != '[';
    if (colon != std::string::npos && !bare_v6 && text.back() != ']') {
        const auto port = port_of(std::string_view{text}.substr(colon + 1));
        if (!port) {
            problem = "'" + text.substr(colon + 1) + "' is no port (expected 0 to 65535)";
            return {};
        }
        listen.port = *port;
        host = text.substr(0, colon);
    } else if (const auto port = port_of(text)) {
        listen.port = *port;
        return listen;
    }
    if (host == "*" || (host.empty() && colon != std::string::npos)) return listen;
    if (host == "localhost") {
        listen.addresses = {*rpc::Address::parse("127.0.0.1"), *rpc::Address::parse("::1")};
        listen.v6_may_lack = true;
        return listen;
    }
    if (host.size() > 2 && host.front() == '[' && host.back() == ']')
        host = host.substr(1, host.size() - 2);
    if (host.find_first_not_of("0123456789") == std::string::npos && !host.empty()) {
        problem = "'" + host + "' is no port (expected 0 to 65535)";
        return {};
    }
    const auto address = rpc::Address::parse(host);
    if (!address) {
        problem =
            "'" + host + "' is no IP address (expected ADDR:PORT, as 0.0.0.0:2049 or [::1]:2049)";
        return {};
    }
    listen.addresses = {*address};
    return listen;
}

}  // namespace berth::server::commands
