// Lists a directory.
#include <array>
#include <cstdint>

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include "nfs/vfs/posix/node/node.hpp"
#include "nfs/vfs/posix/tree.hpp"

namespace berth::vfs::posix {
namespace {

// About as many entries as one reply has room for; those that do not fit are read again next time.
constexpr std::size_t records_bytes = 8192;

// The kernel writes aligned records of varying length.
struct Records {
    alignas(dirent64) std::array<char, records_bytes> bytes;
    std::size_t length = 0;
};

Result<void> read_records(int descriptor, Records& records) {
    auto length = ::getdents64(descriptor, records.bytes.data(), records.bytes.size());
    if (length < 0) return last_error();
    records.length = static_cast<std::size_t>(length);
    return {};
}

const dirent64& record_at(const Records& records, std::size_t at) {
    return *reinterpret_cast<const dirent64*>(records.bytes.data() + at);
}

// The position of the descriptor after reading the records.
std::uint64_t position_after(const Records& records) {
    std::uint64_t position = 0;
    for (std::size_t at = 0; at < records.length; at += record_at(records, at).d_reclen) {
        position = static_cast<std::uint64_t>(record_at(records, at).d_off);
    }
    return position;
}

}  // namespace

Result<bool> Node::list(const Caller& caller, std::uint64_t cookie, const TakeEntry& take) {
    if (type_ != FileType::directory) return std::errc::not_a_directory;
    if (caller.patience == Patience::none) return would_block;
    const auto now = look(nullptr);
    if (!now) return now.error();
    const auto acting = tree_.act_as(caller);
    if (!acting) return acting.error();
    if (!may(caller, *now, may_read)) return std::errc::permission_denied;
    if (cookie > static_cast<std::uint64_t>(INT64_MAX)) return std::errc::invalid_argument;
    const auto list_from = [&](std::uint64_t position, const TakeEntry& take_entry) {
        return list_by_position(position, now->fileid, take_entry);
    };
    if (!tree_.abilities().positions_pass) return list_from(cookie, take);
    const auto visit_all = [&](const TakeEntry& visit) -> Result<void> {
        if (auto all = list_from(0, visit); !all) return all.error();
        return {};
    };
    return by_name_.list(cookie, visit_all, take);
}

Result<bool> Node::list_by_position(std::uint64_t cookie, std::uint64_t own_fileid,
                                    const TakeEntry& take) {
    auto through = listings_.take(cookie);
    if (!through.descriptor) {
        auto opened = open_listing();
        if (!opened) return reason(opened.error());
        through = {.descriptor = std::move(*opened), .position = 0};
    }
    auto outcome = list_through(through, cookie, own_fileid, take);
    listings_.give_back(std::move(through));
    return outcome;
}

Result<Descriptor> Node::open_listing() const {
    const auto acting = tree_.act_as_server();
    if (!acting) return acting.error();
    return tree_.opening(Patience::ample,
                         [&] { return reopen(path_.number(), O_RDONLY | O_DIRECTORY); });
}

Result<bool> Node::list_through(ListingDescriptors::Positioned& through, std::uint64_t cookie,
                                std::uint64_t own_fileid, const TakeEntry& take) const {
    const int descriptor = through.descriptor.number();
    // Some file systems refresh a listing only when it starts again from 0.
    if ((through.position != cookie || cookie == 0) &&
        ::lseek(descriptor, static_cast<off_t>(cookie), SEEK_SET) < 0) {
        return last_error();
    }
    through.position = cookie;
    const bool at_root = id_ == tree_.root_id();
    Records records;
    for (;;) {
        if (auto got = read_records(descriptor, records); !got) return reason(got.error());
        if (records.length == 0) return true;
        through.position = position_after(records);
        for (std::size_t at = 0; at < records.length;) {
            const dirent64& record = record_at(records, at);
            at += record.d_reclen;
            DirectoryEntry entry{.fileid = record.d_ino,
                                 .name = record.d_name,
                                 .cookie = static_cast<std::uint64_t>(record.d_off)};
            // Going on from there would start the listing again, for ever.
            if (entry.cookie == 0 && !tree_.abilities().positions_pass) return std::errc::io_error;
            // No client may see what lies above the tree.
            if (at_root && entry.name == "..") entry.fileid = own_fileid;
            if (!take(entry)) return false;
        }
    }
}

}  // namespace berth::vfs::posix
