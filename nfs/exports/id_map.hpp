// Maps client ids to server ids: `map-uid` and `map-gid` of an export, as for containers with
// shifted users. Plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace berth::exports {

/// Maps user ids, or group ids. Without ranges every id maps to itself.
class IdMap {
public:
    /// Client ids from `first` to `last`, and the server ids starting at `server_first`.
    struct Range {
        std::uint32_t first = 0;
        std::uint32_t last = 0;
        std::uint32_t server_first = 0;

        [[nodiscard]] std::uint32_t server_last() const noexcept {
            return server_first + (last - first);
        }
        /// "1000-1999:101000".
        [[nodiscard]] std::string text() const;
        bool operator==(const Range&) const = default;
    };

    /// Adds "FIRST-LAST:SERVER" or "CLIENT:SERVER". Returns an empty text, or what is wrong; then
    /// nothing is added. Ranges may overlap on neither side, and 0xFFFFFFFF is not an id.
    [[nodiscard]] std::string add(std::string_view text);

    [[nodiscard]] bool empty() const noexcept { return ranges_.empty(); }
    [[nodiscard]] const std::vector<Range>& ranges() const noexcept { return ranges_; }

    /// Empty: the client's id maps to no id of the server.
    [[nodiscard]] std::optional<std::uint32_t> to_server(std::uint32_t client_id) const noexcept {
        return ranges_.empty() ? client_id : by_range(client_id);
    }
    /// The id that a client sees for an id of the server. A server id that no client id maps to is
    /// shown as itself, or as `other` where clients would take it for one of theirs.
    [[nodiscard]] std::uint32_t to_client(std::uint32_t server_id,
                                          std::uint32_t other) const noexcept;

    bool operator==(const IdMap&) const = default;

private:
    [[nodiscard]] std::optional<std::uint32_t> by_range(std::uint32_t client_id) const noexcept;

    std::vector<Range> ranges_;
};

}  // namespace berth::exports
