// READDIR and READDIRPLUS: listings under byte budgets.
#include <algorithm>
#include <limits>

#include "nfs/attributes.hpp"
#include "nfs/service.hpp"
#include "nfs/status.hpp"
#include "xdr/codec.hpp"

namespace berth::nfs {

namespace {

// Cookies are the file system's own positions and stay good for ever, so there is one verifier for
// all, the same after a restart. One that changed with the directory would make clients start again
// whenever anything is created.
constexpr Verifier cookie_verifier{std::byte{'b'}, std::byte{'e'}, std::byte{'r'}, std::byte{'t'},
                                   std::byte{'h'}, std::byte{0},   std::byte{0},   std::byte{1}};
constexpr std::uint64_t cookie_max = std::numeric_limits<std::int64_t>::max();

// Sizes on the wire, RFC 4506: of what surrounds the entries and of an entry without its name.
constexpr std::size_t attributes_bytes = 84;
constexpr std::size_t optional_bytes = 4;
constexpr std::size_t frame_bytes =
    optional_bytes + attributes_bytes + 8 /*verifier*/ + 4 /*end*/ + 4 /*eof*/;

std::size_t text_bytes(std::size_t length) {
    return 4 + length + xdr::padding(length);
}
/// fileid, name and cookie: what READDIRPLUS's dircount counts.
std::size_t naming_bytes(std::string_view name) {
    return 8 + text_bytes(name.size()) + 8;
}

/// Room for so many bytes.
class Budget {
public:
    explicit Budget(std::size_t bytes) : left_(bytes) {}
    [[nodiscard]] bool has(std::size_t bytes) const noexcept { return bytes <= left_; }
    /// What is more than there is takes all.
    void take(std::size_t bytes) noexcept { left_ -= std::min(bytes, left_); }

private:
    std::size_t left_;
};

/// Whether the question makes sense. `budget`: bytes for the whole answer.
std::optional<Status> refuse_listing(const PostOpAttributes& directory, std::uint64_t cookie,
                                     const Verifier& verifier, const Budget& budget) {
    if (directory && directory->type != FileType::directory) return Status::not_directory;
    const bool is_ours = verifier == cookie_verifier && cookie <= cookie_max;
    if (cookie != 0 && !is_ours) return Status::bad_cookie;
    if (!budget.has(frame_bytes)) return Status::too_small;
    return {};
}

/// Entries as they were met, names in the call's memory.
template <class Item>
struct Found {
    std::vector<Item> items;
    bool is_end = false;
    bool has_left_one_out = false;  ///< for lack of room, although nothing had been taken
};

/// Lists as long as `fits` takes the entry.
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

}  // namespace

ReadDirectory::Result Service::read_directory(rpc::Call& call, const ReadDirectory::Args& args) {
    const auto directory = open(call, args.directory);
    if (!directory) return {fail(call, directory.error()), {}};
    auto attributes = directory->attributes();
    Budget budget{std::min(args.count, transfer_bytes_max(call))};
    if (const auto refused = refuse_listing(attributes, args.cookie, args.verifier, budget))
        return {*refused, {attributes}};

    budget.take(frame_bytes);
    auto found = list<ReadDirectory::Item>(
        call, *directory, args.cookie, [&](const vfs::DirectoryEntry& entry) {
            const auto bytes = optional_bytes + naming_bytes(entry.name);
            if (!budget.has(bytes)) return false;
            budget.take(bytes);
            return true;
        });
    if (!found) return {found.error(), {attributes}};
    if (found->has_left_one_out) return {Status::too_small, {attributes}};
    return ReadDirectory::Ok{.attributes = std::move(attributes),
                             .verifier = cookie_verifier,
                             .entries = std::move(found->items),
                             .eof = found->is_end};
}

void Service::describe(rpc::Call& call, const Target& directory,
                       ReadDirectoryPlus::Item& item) const {
    const auto beyond = cross(call, directory, item.name);
    if (!beyond) return;
    if (const auto& there = *beyond) {
        // The entry keeps the number of what it covers, by which clients see that it does.
        item.attributes = there->attributes();
        item.object = seal(call, *there->exported, there->node->id());
        return;
    }
    const auto listed = directory.node->peek(directory.caller, item.name);
    if (!listed) return;
    item.attributes = directory.shown(listed->attributes);
    item.object = seal(call, *directory.exported, listed->id);
    // Clients take an entry whose two numbers differ for the root of another file system.
    item.fileid = item.attributes->fileid;
}

ReadDirectoryPlus::Result Service::read_directory_plus(rpc::Call& call,
                                                       const ReadDirectoryPlus::Args& args) {
    const auto directory = open(call, args.directory);
    if (!directory) return {fail(call, directory.error()), {}};
    auto attributes = directory->attributes();
    if (!directory->options->lists_attributes) return {Status::not_supported, {attributes}};
    Budget budget{std::min(args.count_max, transfer_bytes_max(call))};
    if (const auto refused = refuse_listing(attributes, args.cookie, args.verifier, budget))
        return {*refused, {attributes}};

    // How large an entry becomes is known when its object has been looked at, which is not done
    // while listing. Until then its handle is taken to be as long as the directory's, which it is
    // on most file systems. The first entry is taken in any case, as some clients ask with a
    // dircount of 0; the exact bytes are counted below.
    budget.take(frame_bytes);
    const auto handle_bytes = text_bytes(args.directory.size());
    auto estimated = budget;
    Budget naming_budget{args.directory_count};
    bool is_first = true;
    auto found = list<ReadDirectoryPlus::Item>(
        call, *directory, args.cookie, [&](const vfs::DirectoryEntry& entry) {
            const auto naming = naming_bytes(entry.name);
            const auto bytes = optional_bytes + naming + optional_bytes + attributes_bytes +
                               optional_bytes + handle_bytes;
            if (!is_first && !(estimated.has(bytes) && naming_budget.has(naming))) return false;
            is_first = false;
            estimated.take(bytes);
            naming_budget.take(naming);
            return true;
        });
    if (!found) return {found.error(), {attributes}};

    auto& items = found->items;
    std::size_t count = 0;
    const auto described = directory->node->act_as(directory->caller, [&] {
        for (auto& item : items) {
            describe(call, *directory, item);
            const auto bytes = optional_bytes + xdr::encoded_bytes(item);
            if (!budget.has(bytes)) break;
            budget.take(bytes);
            ++count;
        }
    });
    if (!described) return {fail(call, described.error()), {attributes}};
    const bool is_whole = count == items.size();
    if (count == 0 && !is_whole) return {Status::too_small, {attributes}};
    items.resize(count);
    return ReadDirectoryPlus::Ok{.attributes = std::move(attributes),
                                 .verifier = cookie_verifier,
                                 .entries = std::move(items),
                                 .eof = found->is_end && is_whole};
}

}  // namespace berth::nfs
