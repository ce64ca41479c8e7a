#include "nfs/exports/id_map.hpp"

#include <charconv>

namespace berth::exports {
namespace {

std::optional<std::uint32_t> number_of(std::string_view text) {
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size()) return {};
    return number;
}

std::optional<IdMap::Range> range_of(std::string_view text) {
    const auto colon = text.find(':');
    if (colon == std::string_view::npos) return {};
    const auto clients = text.substr(0, colon);
    const auto dash = clients.find('-');
    const auto first = number_of(clients.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : number_of(clients.substr(dash + 1));
    const auto server = number_of(text.substr(colon + 1));
    if (!first || !last || !server) return {};
    return IdMap::Range{*first, *last, *server};
}

bool overlap(std::uint32_t first, std::uint32_t last, std::uint32_t other_first,
             std::uint32_t other_last) {
    return first <= other_last && other_first <= last;
}

}  // namespace

std::string IdMap::Range::text() const {
    const auto end = last == first ? "" : "-" + std::to_string(last);
    return std::to_string(first) + end + ":" + std::to_string(server_first);
}

std::string IdMap::add(std::string_view text) {
    constexpr std::uint32_t id_max = 0xFFFFFFFE;
    const auto range = range_of(text);
    if (!range) return "expected ids of clients and the first of the server's, as 1000-1999:101000";
    if (range->last < range->first) return "the last id comes before the first one";
    if (range->last > id_max || range->last - range->first > id_max - range->server_first ||
        range->server_first > id_max)
        return "goes past 4294967294, the largest id";
    for (const auto& other : ranges_) {
        if (overlap(range->first, range->last, other.first, other.last))
            return "overlaps the client ids of " + other.text();
        if (overlap(range->server_first, range->server_last(), other.server_first,
                    other.server_last()))
            return "overlaps the server ids of " + other.text();
    }
    ranges_.push_back(*range);
    return {};
}

std::optional<std::uint32_t> IdMap::by_range(std::uint32_t client_id) const noexcept {
    for (const auto& range : ranges_)
        if (range.first <= client_id && client_id <= range.last)
            return range.server_first + (client_id - range.first);
    return {};
}

std::uint32_t IdMap::to_client(std::uint32_t server_id, std::uint32_t other) const noexcept {
    bool is_a_clients = false;
    for (const auto& range : ranges_) {
        if (range.server_first <= server_id && server_id <= range.server_last())
            return range.first + (server_id - range.server_first);
        is_a_clients |= range.first <= server_id && server_id <= range.last;
    }
    return is_a_clients ? other : server_id;
}

}  // namespace berth::exports
