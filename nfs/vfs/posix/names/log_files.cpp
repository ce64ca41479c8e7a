// The files of the names journal: reading them at the start, beginning, emptying and setting aside.
#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/filesystem/directory.hpp>
#include <boost/filesystem/operations.hpp>
#include <boost/filesystem/path.hpp>

#include "nfs/vfs/posix/names/log.hpp"
#include "nfs/vfs/posix/system/calls.hpp"

namespace berth::vfs::posix {
namespace {

constexpr std::string_view set_aside_prefix = "damaged.";

// Only the server needs to see the names of these files. Makes each missing level.
Result<void> make_private(const boost::filesystem::path& directory) {
    boost::system::error_code ignored;
    const auto above = directory.parent_path();
    if (!above.empty() && !boost::filesystem::exists(above, ignored)) {
        if (auto made = make_private(above); !made) return made;
    }
    if (::mkdir(directory.c_str(), S_IRWXU) != 0 && errno != EEXIST) return last_error();
    boost::filesystem::permissions(directory, boost::filesystem::perms::owner_all, ignored);
    return {};
}

struct Named {
    std::uint32_t number = 0;
    bool is_closed = false;
    bool operator<(const Named& other) const noexcept { return number < other.number; }
};

std::optional<Named> file_named(std::string_view name) {
    Named named;
    const auto* const end = name.data() + name.size();
    const auto [behind, error] = std::from_chars(name.data(), end, named.number);
    if (error != std::errc{}) return std::nullopt;
    named.is_closed = name == NameFile::closed_name(named.number);
    if (!named.is_closed && name != NameFile::open_name(named.number)) return std::nullopt;
    return named;
}

}  // namespace

Result<std::unique_ptr<NameLog>> NameLog::open(const boost::filesystem::path& directory,
                                               NameLogOptions options) {
    if (const auto made = make_private(directory); !made) return made.error();
    auto opened = open_at(AT_FDCWD, directory.c_str(), O_RDONLY | O_DIRECTORY);
    if (!opened) return opened.error();
    if (::flock(opened->number(), LOCK_EX | LOCK_NB) != 0)
        return errno == EWOULDBLOCK ? std::errc::device_or_resource_busy : last_error();
    std::unique_ptr<NameLog> log{new NameLog{directory, std::move(*opened), std::move(options)}};
    log->remove_old_journals();
    if (const auto read = log->read_files(); !read) return read.error();
    log->thread_ = log->options_.start_thread(
        "names", [&self = *log](const std::stop_token& stop) { self.run(stop); });
    return log;
}

void NameLog::release() const noexcept {
    ::flock(directory_.number(), LOCK_UN);
}

Result<void> NameLog::read_files() {
    std::vector<Named> found;
    boost::system::error_code error;
    for (boost::filesystem::directory_iterator entry{path_, error}, end; !error && entry != end;
         entry.increment(error)) {
        const auto name = entry->path().filename().string();
        if (const auto named = file_named(name)) found.push_back(*named);
        if (name.starts_with(set_aside_prefix)) set_aside_before_.push_back(name);
    }
    if (error) return static_cast<std::errc>(error.value());
    std::ranges::sort(found, std::ranges::less{}, &Named::number);
    std::uint32_t last = 0;
    bool is_last_closed = false;
    for (const auto& named : found) {
        last = named.number;
        is_last_closed = named.is_closed;
        auto file = NameFile::open(directory_.number(), named.number, named.is_closed);
        // Its maker was killed before it wrote anything.
        if (file && !named.is_closed && (*file)->size() == 0 && (*file)->remove()) continue;
        if (file && !files_.contains(named.number)) {
            read_file(files_.emplace(named.number, std::move(*file)).first->second);
        } else if (file || file.error() == std::errc::bad_message) {
            set_aside(named.is_closed ? NameFile::closed_name(named.number)
                                      : NameFile::open_name(named.number),
                      named.number);
        } else {
            return file.error();
        }
    }
    const bool can_go_on = !files_.empty() && files_.rbegin()->first == last &&
                           !files_.rbegin()->second->is_damaged() && !is_file_full();
    if (!can_go_on || (is_last_closed && !files_.rbegin()->second->open_again())) {
        auto begun = NameFile::make(directory_.number(), last + 1);
        if (!begun) return begun.error();
        files_.emplace(last + 1, std::move(*begun));
    }
    appended_ = 1;  // what earlier processes wrote need not be durable
    for (File next; (next = next_to_empty()) && next->is_damaged();)
        if (!empty(next)) break;
    return {};
}

void NameLog::read_file(const File& file) {
    const bool is_whole = file->scan([&](NamePosition position, const NameRecord& record) {
        const auto key =
            NameIndex::key_of(record.tree, record.id, record.place.directory, record.place.name);
        if (record.kind == NameRecord::Kind::put) {
            count_put(record.tree, position, index_.put(key, position));
        } else if (const auto erased = index_.erase(key)) {
            count_erased(record.tree, *erased);
        }
    });
    file->cut_torn_end();
    if (!is_whole) file->mark_damaged();
}

// Removes journals of releases that had one database per export.
void NameLog::remove_old_journals() {
    boost::system::error_code error;
    std::size_t removed = 0;
    for (boost::filesystem::directory_iterator entry{path_, error}, end; !error && entry != end;
         entry.increment(error)) {
        boost::system::error_code failed;
        const auto& old = entry->path();
        if (boost::filesystem::is_symlink(entry->symlink_status(failed)) ||
            !boost::filesystem::exists(old / "data.mdb", failed))
            continue;
        for (const auto* name : {"data.mdb", "lock.mdb", "damaged.mdb", "recent.0", "recent.1"})
            boost::filesystem::remove(old / name, failed);
        if (boost::filesystem::remove(old, failed)) ++removed;
    }
    if (removed > 0)
        note("those of an earlier release, of " + std::to_string(removed) +
             " exports, have been removed: clients of these must mount again");
}

std::uint64_t NameLog::bytes() const {
    std::uint64_t all = 0;
    for (const auto& [number, file] : files_) all += file->size();
    return all;
}

std::uint64_t NameLog::bytes_on_disk() const {
    const std::scoped_lock held{lock_};
    return bytes();
}

std::uint64_t NameLog::file_bytes() const {
    constexpr std::uint64_t files_wanted = 16;
    constexpr auto bytes_max = NamePosition::offset_max / 2;
    return std::clamp(live_bytes_ / files_wanted, std::min(options_.file_bytes_min, bytes_max),
                      bytes_max);
}

bool NameLog::is_file_full() const {
    return files_.rbegin()->second->size() >= file_bytes();
}

bool NameLog::begin_file() {
    auto begun = NameFile::make(directory_.number(), files_.rbegin()->first + 1);
    const std::scoped_lock held{lock_};
    if (!begun) {
        fail("no new file can be begun (" + text_of(begun.error()) + ")");
        return false;
    }
    const auto last = files_.rbegin()->second;
    // The next start reads the file in any case, but might otherwise take its end to be missing.
    static_cast<void>(last->close_in_peace());
    unsynchronized_.push_back(last);
    files_.emplace((*begun)->number(), std::move(*begun));
    ++appended_;
    return true;
}

void NameLog::finish_files() {
    const auto& last = files_.rbegin()->second;
    if (last->is_damaged() || !last->close_in_peace()) return;
    ::fdatasync(last->descriptor());
}

// False if the server would not find the directory when it is started again.
bool NameLog::is_found_by_path() const {
    const auto there = status(AT_FDCWD, path_.c_str());
    if (!there) return there.error() != std::errc::no_such_file_or_directory;
    const auto ours = status(directory_.number());
    if (!ours) return true;
    return there->stx_ino == ours->stx_ino && there->stx_dev_major == ours->stx_dev_major &&
           there->stx_dev_minor == ours->stx_dev_minor;
}

// Names are not put again while the journal is believed to have them.
void NameLog::look_after_files() {
    const bool is_found = is_found_by_path();
    const std::scoped_lock held{lock_};
    if (!is_found && !std::exchange(was_taken_away_, true))
        note("its directory was removed or moved while in use, so the next "
             "start will not find it: put it back, or have clients mount "
             "again after that start");
    if (is_found) was_taken_away_ = false;
    for (const auto& [number, file] : files_)
        if (!file->is_all_there()) file->mark_damaged();
}

bool NameLog::may_forget(std::uint64_t tree) const {
    const auto known = names_of_.find(tree);
    return known == names_of_.end() ||
           known->second > enough() / std::max<std::size_t>(1, names_of_.size());
}

// Once forgetting has begun, it goes on for a while, because each time a whole file is copied.
bool NameLog::has_too_many() {
    is_forgetting_ = index_.size() > (is_forgetting_ ? enough() : options_.names_max);
    return is_forgetting_;
}

NameLog::File NameLog::next_to_empty() {
    for (const auto& [number, file] : files_)
        if (file->is_damaged()) return file;
    const bool is_wasteful = files_.size() > 1 && bytes() > 2 * live_bytes_ + 2 * file_bytes();
    return is_wasteful || has_too_many() ? files_.begin()->second : nullptr;
}

// Copies live records to the end of the last file, which is another one; then removes the file.
bool NameLog::empty(const File& file) {
    bool is_kept = true;
    const bool is_whole = file->scan([&](NamePosition position, const NameRecord& record) {
        if (record.kind == NameRecord::Kind::put && is_kept)
            is_kept = keep(record, position, file->is_damaged());
    });
    if (!is_kept || !synchronize_now()) return false;
    Held held{lock_};
    files_.erase(file->number());
    std::erase(unsynchronized_, file);
    if (is_whole && !file->is_damaged()) {
        held.unlock();
        static_cast<void>(file->remove());
        return true;
    }
    // There is no telling to which trees the unreadable records belong.
    for (const auto lost : index_.erase_file(file->number())) live_bytes_ -= lost.bytes();
    set_aside(file->name(), file->number());
    return true;
}

bool NameLog::keep(const NameRecord& record, NamePosition position, bool in_any_case) {
    const auto& [directory, name] = record.place;
    const auto key = NameIndex::key_of(record.tree, record.id, directory, name);
    const std::scoped_lock held{lock_};
    if (!index_.holds(key, position)) return true;
    const bool is_used = index_.take_used(key, position);
    if (has_too_many() && !is_used && !in_any_case && may_forget(record.tree)) {
        if (index_.erase(key)) count_erased(record.tree, position);
        return true;
    }
    const auto copied = append(encode(record.kind, record.tree, record.id, directory, name));
    if (!copied) return false;
    index_.move(key, position, *copied);
    // Records that lead to it must not be forgotten before it.
    index_.use_all(NameIndex::hash_of(record.tree, directory));
    return true;
}

// Keeps a file for inspection, until others are set aside after the next start.
void NameLog::set_aside(const std::string& name, std::uint32_t number) {
    for (const auto& before : std::exchange(set_aside_before_, {}))
        ::unlinkat(directory_.number(), before.c_str(), 0);
    const auto aside = std::string{set_aside_prefix} + std::to_string(number);
    const bool is_aside =
        ::renameat(directory_.number(), name.c_str(), directory_.number(), aside.c_str()) == 0;
    note("a part of it was damaged and has been " +
         (is_aside ? "kept aside as " + aside : std::string{"given up"}) +
         ": clients that hold handles of files whose names were in it must mount again");
}

}  // namespace berth::vfs::posix
