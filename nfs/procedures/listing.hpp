// The common part of READDIR and READDIRPLUS: one page of a directory, under a budget of bytes.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>
#include <vector>

#include "nfs/attributes.hpp"
#include "nfs/service.hpp"
#include "nfs/status.hpp"
#include "xdr/codec.hpp"

namespace berth::nfs {

// Cookies are the file system's own positions and stay good for ever, so all listings share one
// verifier, which survives restarts. If it changed with the directory, clients would have to start
// again whenever anything is created.
inline constexpr Verifier cookie_verifier{std::byte{'b'}, std::byte{'e'}, std::byte{'r'},
                                          std::byte{'t'}, std::byte{'h'}, std::byte{0},
                                          std::byte{0},   std::byte{1}};
inline constexpr std::uint64_t cookie_max = std::numeric_limits<std::int64_t>::max();

// Sizes on the wire (RFC 4506): everything around the entries, and an entry without its name.
inline constexpr std::size_t attributes_bytes = 84;
inline constexpr std::size_t optional_bytes = 4;
inline constexpr std::size_t frame_bytes =
    optional_bytes + attributes_bytes + 8 /*verifier*/ + 4 /*end*/ + 4 /*eof*/;

inline std::size_t text_bytes(std::size_t length) {
    return 4 + length + xdr::padding(length);
}
/// fileid, name and cookie: the bytes that READDIRPLUS's dircount counts.
inline std::size_t naming_bytes(std::string_view name) {
    return 8 + text_bytes(name.size()) + 8;
}

/// A number of bytes that are left.
class Room {
public:
    explicit Room(std::size_t bytes) : left_(bytes) {}
    [[nodiscard]] bool has(std::size_t bytes) const noexcept { return bytes <= left_; }
    /// Taking more than is left takes everything.
    void take(std::size_t bytes) noexcept { left_ -= std::min(bytes, left_); }

private:
    std::size_t left_;
};

/// Checks a request. `budget`: bytes for the whole answer.
inline std::optional<Status> refuse_listing(const PostOpAttributes& directory, std::uint64_t cookie,
                                            const Verifier& verifier, const Room& budget) {
    if (directory && directory->type != FileType::directory) return Status::not_directory;
    // Some clients keep no verifier and send zeros with every cookie; knfsd does not check it.
    const bool is_ours = verifier == cookie_verifier || verifier == Verifier{};
    if (cookie != 0 && (!is_ours || cookie > cookie_max)) return Status::bad_cookie;
    if (!budget.has(frame_bytes)) return Status::too_small;
    return {};
}

/// Entries in listing order; their names are in the call's memory.
template <class Item>
struct Found {
    std::vector<Item> items;
    bool is_end = false;
    bool has_left_one_out = false;  ///< for lack of room, before any entry was taken
};

/// Makes room for one more: few at first, then for nearly all that one answer holds, so that
/// entries are moved once. The second step stays below what malloc takes from the system each time.
template <class Item>
void make_room(std::vector<Item>& items) {
    constexpr std::size_t few = 32;
    constexpr std::size_t many = (120U << 10) / sizeof(Item);
    if (items.size() < items.capacity()) return;
    items.reserve(items.empty() ? few : std::max(many, 2 * items.size()));
}

/// Lists entries for as long as `fits` accepts them.
template <class Item, class Fits>
boost::system::result<Found<Item>, Status> list(rpc::Call& call, const Target& directory,
                                                std::uint64_t cookie, Fits fits) {
    Found<Item> found;
    const auto is_end =
        directory.node->list(directory.caller, cookie, [&](const vfs::DirectoryEntry& entry) {
            if (!fits(entry)) {
                found.has_left_one_out = found.items.empty();
                return false;
            }
            make_room(found.items);
            found.items.push_back({.fileid = presentable_fileid(entry.fileid),
                                   .name = call.memory.copy(entry.name),
                                   .cookie = entry.cookie});
            return true;
        });
    if (!is_end) {
        const bool is_bad_cookie = cookie != 0 && is_end.error() == std::errc::invalid_argument;
        return is_bad_cookie ? Status::bad_cookie : fail(call, is_end.error());
    }
    found.is_end = *is_end;
    return found;
}

}  // namespace berth::nfs
