// Which ids of clients stand for which ids of the server: `map-uid` and `map-gid` of an export, as
// for containers whose users are shifted. Plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace berth::vfs {

/// User ids, or group ids. Without ranges every id stands for itself.
class IdMap {
public:
    /// Client ids from `first` to `last`, and the server ids from `server_first` on.
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

    /// Adds "FIRST-LAST:SERVER" or "CLIENT:SERVER". Empty, or what is wrong with it; then nothing
    /// is added. Ranges may overlap on neither side, and 0xFFFFFFFF is no id.
    [[nodiscard]] std::string add(std::string_view text);

    [[nodiscard]] bool empty() const noexcept { return ranges_.empty(); }
    [[nodiscard]] const std::vector<Range>& ranges() const noexcept { return ranges_; }

    /// Empty: no id of the server stands for that.
    [[nodiscard]] std::optional<std::uint32_t> to_server(std::uint32_t client_id) const noexcept;
    /// As a client is to see an id of the server: one that no client id stands for is itself, but
    /// `other` where clients would take it for an id of theirs.
    [[nodiscard]] std::uint32_t to_client(std::uint32_t server_id,
                                          std::uint32_t other) const noexcept;

    bool operator==(const IdMap&) const = default;

private:
    std::vector<Range> ranges_;
};

}  // namespace berth::vfs
