#include "nfs/state/file/log.hpp"

#include <algorithm>
#include <cerrno>
#include <tuple>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "nfs/vfs/descriptor.hpp"

namespace berth::state::file {
namespace {

// A small file may waste what it likes.
constexpr std::size_t compact_from_bytes = std::size_t{64} << 10;
constexpr std::size_t waste_factor = 4;
// More than these are of no use for inspection.
constexpr int aside_max = 4;

std::string text_of(std::errc error) {
    return std::make_error_code(error).message();
}

Record record_of(const Table::Pending& pending) {
    Record record{.key = pending.key, .value = {}};
    if (pending.state) record.value = pending.state->value;
    return record;
}

vfs::Result<void> write_at(int file, std::string_view bytes, std::size_t offset) {
    while (!bytes.empty()) {
        const auto count = ::pwrite(file, bytes.data(), bytes.size(), static_cast<off_t>(offset));
        if (count < 0 && errno != EINTR) return vfs::last_error();
        if (count <= 0) continue;
        bytes.remove_prefix(static_cast<std::size_t>(count));
        offset += static_cast<std::size_t>(count);
    }
    return {};
}

}  // namespace

Log::Log(const Folder& folder, std::string name, Folder::Synchronize synchronize)
    : folder_(folder),
      name_(std::move(name)),
      synchronize_(std::move(synchronize)) {}

Log::Found Log::load(const std::function<void(const Record&)>& tell, const Convert& convert) {
    auto contents = folder_.read(name_);
    if (!contents && contents.error() == std::errc::no_such_file_or_directory) return {};
    if (!contents) return damaged(text_of(contents.error()));
    const auto& bytes = contents->bytes;
    const auto scanned = scan(name_, bytes, tell);
    if (!scanned.has_header) {
        is_broken_ = true;
        const bool is_text = bytes.find('\0') == std::string::npos;
        if (is_text && convert && convert(bytes)) return {};
        return damaged("it does not begin as such a file does");
    }
    if (scanned.is_damaged) return damaged("its checksums are wrong");
    identity_ = contents->identity;
    size_ = scanned.whole_bytes;
    tail_ = bytes.size() - size_;
    return {.is_cut = scanned.is_torn, .is_damaged = false, .reason = {}, .aside = {}};
}

Log::Found Log::damaged(std::string reason) {
    is_broken_ = true;
    auto aside = name_aside();
    is_in_the_way_ = !folder_.link(name_, aside);
    if (is_in_the_way_ && is_same_file(aside)) is_in_the_way_ = false;
    if (is_in_the_way_) aside.clear();
    return {.is_cut = false,
            .is_damaged = true,
            .reason = std::move(reason),
            .aside = std::move(aside)};
}

bool Log::is_same_file(const std::string& other) const {
    const auto mine = folder_.identity(name_);
    const auto its = folder_.identity(other);
    return mine && its && *mine == *its;
}

// The first name that is free or already belongs to the file; if all are taken, the last is
// replaced.
std::string Log::name_aside() const {
    std::string aside;
    for (int number = 1; number <= aside_max; ++number) {
        aside = name_ + ".damaged-" + std::to_string(number);
        if (!folder_.identity(aside) || is_same_file(aside)) return aside;
    }
    std::ignore = folder_.remove(aside);
    return aside;
}

bool Log::open_for_append() {
    if (file_) return true;
    auto opened =
        vfs::open_at(folder_.descriptor(), name_.c_str(), O_WRONLY | O_NOFOLLOW | O_NONBLOCK);
    if (!opened) return false;
    file_ = std::move(*opened);
    return true;
}

bool Log::is_ready() {
    if (is_broken_ || !identity_ || !open_for_append()) return false;
    struct stat status {};
    const auto named = folder_.identity(name_);
    if (::fstat(file_.number(), &status) != 0) return false;
    const Folder::Identity opened{.device = status.st_dev, .inode = status.st_ino};
    if (opened != *identity_ || !named || *named != *identity_) return false;
    if (static_cast<std::size_t>(status.st_size) != size_ + tail_) return false;
    if (tail_ > 0 && ::ftruncate(file_.number(), static_cast<off_t>(size_)) != 0) return false;
    tail_ = 0;
    return true;
}

bool Log::is_wasteful(std::size_t live_bytes) const {
    return size_ > std::max({compact_from_bytes, compact_at_, waste_factor * live_bytes});
}

vfs::Result<void> Log::append(const std::vector<Table::Pending>& changes) {
    std::string bytes;
    for (const auto& change : changes) file::append(bytes, size_, record_of(change));
    if (size_ + bytes.size() > Folder::bytes_max) {
        is_broken_ = true;
        return std::errc::file_too_large;
    }
    auto outcome = write_at(file_.number(), bytes, size_);
    if (outcome) {
        outcome = vfs::checked(synchronize_(file_.number()));
        // The kernel reports a lost page once, and then takes it for written.
        if (!outcome) is_broken_ = true;
    }
    if (!outcome) {
        if (::ftruncate(file_.number(), static_cast<off_t>(size_)) != 0) is_broken_ = true;
        return outcome;
    }
    size_ += bytes.size();
    return {};
}

vfs::Result<void> Log::rewrite(const std::vector<Table::Pending>& all) {
    auto bytes = header_of(name_);
    for (const auto& one : all) file::append(bytes, 0, record_of(one));
    if (bytes.size() > Folder::bytes_max) return std::errc::file_too_large;
    compact_at_ = 2 * size_;
    if (is_in_the_way_) {
        if (auto moved = folder_.rename(name_, name_aside()); !moved) return moved;
        is_in_the_way_ = false;
    }
    auto written = folder_.replace(name_, bytes, synchronize_);
    if (!written) return written.error();
    identity_ = written->identity;
    file_ = std::move(written->file);
    size_ = bytes.size();
    tail_ = 0;
    compact_at_ = 0;
    is_broken_ = false;
    return {};
}

}  // namespace berth::state::file
