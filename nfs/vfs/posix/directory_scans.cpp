#include "nfs/vfs/posix/directory_scans.hpp"

#include <algorithm>
#include <array>
#include <ctime>
#include <string_view>
#include <utility>
#include <vector>

#include <dirent.h>
#include <fcntl.h>

#include "nfs/vfs/posix/system/calls.hpp"

namespace berth::vfs::posix {
namespace {

constexpr std::size_t buffer_bytes = 32768;

// The coarsest times of any file system that is likely to be exported.
constexpr std::int64_t quiet_after_seconds = 3;

// More are of no use: reading a small directory again is as quick as finding it here.
constexpr std::size_t scans_max = 64;
constexpr unsigned sweeps_max = 30;

struct DirectoryTimes {
    Time modified;
    Time changed;
    bool operator==(const DirectoryTimes&) const = default;
};

Result<DirectoryTimes> times_of(int directory) {
    const auto found = status(directory);
    if (!found) return found.error();
    const auto attributes = to_attributes(*found);
    return DirectoryTimes{attributes.modified, attributes.changed};
}

}  // namespace

/// The contents of one directory.
class DirectoryScans::Scan {
public:
    /// Looks for an object while it reads. `scan` is null if the directory is too large to
    /// remember.
    struct Made {
        ScanPtr scan;
        Result<Descriptor> found;
    };
    static Made make(int directory, const ObjectId& id, std::size_t bytes_max, std::uint64_t inode,
                     const TryName& try_name) {
        const auto times = times_of(directory);
        if (!times) return {nullptr, times.error()};
        // No client has asked for this read, so the access time stays as it is where that is
        // possible.
        auto listing = reopen(directory, O_RDONLY | O_DIRECTORY | O_NOATIME);
        if (!listing && listing.error() == std::errc::operation_not_permitted)
            listing = reopen(directory, O_RDONLY | O_DIRECTORY);
        if (!listing) return {nullptr, listing.error()};
        const auto scan = std::make_shared<Scan>(id, *times);
        auto found = scan->read(listing->number(), bytes_max, inode, try_name);
        return {scan->is_whole_ ? scan : nullptr, std::move(found)};
    }

    Scan(const ObjectId& id, const DirectoryTimes& times) : id_(id), times_(times) {
        timespec now{};
        ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
        const auto last = std::max(times.changed.seconds, times.modified.seconds);
        is_quiet_ = last <= now.tv_sec - quiet_after_seconds;
    }

    [[nodiscard]] const ObjectId& id() const noexcept { return id_; }
    [[nodiscard]] std::size_t bytes() const noexcept {
        return entries_.size() * sizeof entries_[0] + names_.size();
    }
    /// Whether an object that is not in the scan is not in the directory either.
    [[nodiscard]] bool is_current(const DirectoryTimes& now) const noexcept {
        return is_quiet_ && times_ == now;
    }

    Result<Descriptor> find(std::uint64_t inode, const TryName& try_name) const {
        auto entry = std::ranges::lower_bound(entries_, inode, {}, &Entry::inode);
        for (; entry != entries_.end() && entry->inode == inode; ++entry) {
            auto opened = try_name(names_.data() + entry->name_at);
            if (opened || opened.error() != stale) return opened;
        }
        return stale;
    }

private:
    struct Entry {
        std::uint64_t inode;
        std::size_t name_at;
    };

    Result<Descriptor> read(int listing, std::size_t bytes_max, std::uint64_t inode,
                            const TryName& try_name) {
        alignas(dirent64) std::array<char, buffer_bytes> records;
        Result<Descriptor> found = stale;
        bool fits = true;
        while (fits || !found) {
            const auto length = ::getdents64(listing, records.data(), records.size());
            if (length < 0) return last_error();
            if (length == 0) break;
            for (std::size_t at = 0; at < static_cast<std::size_t>(length);) {
                const auto& record = *reinterpret_cast<const dirent64*>(records.data() + at);
                at += record.d_reclen;
                if (record.d_type == DT_DIR) continue;
                if (record.d_ino == inode && !found) {
                    found = try_name(record.d_name);
                    if (!found && found.error() != stale) return found;
                }
                if (fits) add(record);
            }
            fits = fits && bytes() <= bytes_max;
        }
        std::ranges::sort(entries_, {}, &Entry::inode);
        is_whole_ = fits;
        return found;
    }

    void add(const dirent64& record) {
        entries_.push_back({record.d_ino, names_.size()});
        const std::string_view name{record.d_name};
        names_.insert(names_.end(), name.begin(), name.end());
        names_.push_back('\0');
    }

    const ObjectId id_;
    const DirectoryTimes times_;
    bool is_whole_ = false;
    bool is_quiet_ = false;  // no later change can have left the times as they are
    std::vector<Entry> entries_;
    std::vector<char> names_;
};

DirectoryScans::DirectoryScans(std::size_t bytes_max) : bytes_max_(bytes_max) {}

DirectoryScans::~DirectoryScans() = default;

Result<Descriptor> DirectoryScans::find(int directory, const ObjectId& id, std::uint64_t inode,
                                        const TryName& try_name) {
    // A name that leads to the object is right, however old the scan is.
    auto scan = remembered(id);
    if (scan) {
        auto found = scan->find(inode, try_name);
        if (found || found.error() != stale) return found;
        const auto now = times_of(directory);
        if (!now) return now.error();
        if (scan->is_current(*now)) return stale;
    }
    const std::scoped_lock alone{scanning_};
    auto newer = remembered(id);  // made by a thread that looked for another object meanwhile
    if (newer && newer != scan) {
        auto found = newer->find(inode, try_name);
        if (found || found.error() != stale) return found;
    }
    auto made = Scan::make(directory, id, bytes_max_, inode, try_name);
    if (made.scan) remember(std::move(made.scan));
    return std::move(made.found);
}

void DirectoryScans::sweep() {
    const std::scoped_lock held{lock_};
    for (auto one = scans_.begin(); one != scans_.end();) {
        const auto next = std::next(one);
        if (++one->sweeps > sweeps_max) forget(one);
        one = next;
    }
}

DirectoryScans::ScanPtr DirectoryScans::remembered(const ObjectId& id) {
    const std::scoped_lock held{lock_};
    const auto found = find(id);
    if (found == scans_.end()) return nullptr;
    scans_.splice(scans_.begin(), scans_, found);
    found->sweeps = 0;
    return found->scan;
}

void DirectoryScans::remember(ScanPtr scan) {
    const std::scoped_lock held{lock_};
    if (const auto older = find(scan->id()); older != scans_.end()) forget(older);
    while (!scans_.empty() && (bytes_ + scan->bytes() > bytes_max_ || scans_.size() >= scans_max)) {
        forget(std::prev(scans_.end()));
    }
    bytes_ += scan->bytes();
    scans_.push_front({.scan = std::move(scan)});
}

void DirectoryScans::forget(std::list<Remembered>::iterator one) {
    bytes_ -= one->scan->bytes();
    scans_.erase(one);
}

std::list<DirectoryScans::Remembered>::iterator DirectoryScans::find(const ObjectId& id) {
    return std::ranges::find(scans_, id, [](const Remembered& one) { return one.scan->id(); });
}

}  // namespace berth::vfs::posix
