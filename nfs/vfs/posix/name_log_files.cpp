// The files of the names journal: read at the start, begun, emptied, set aside.
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

#include "nfs/vfs/posix/name_log.hpp"
#include "nfs/vfs/posix/system.hpp"

namespace berth::vfs::posix {
namespace {

constexpr std::string_view set_aside_prefix = "damaged.";

// What files are called is nobody else's business. Each level that is missing is made.
Result<void> make_private(const std::filesystem::path& directory) {
    std::error_code ignored;
    const auto above = directory.parent_path();
    if (!above.empty() && !std::filesystem::exists(above, ignored)) {
        if (auto made = make_private(above); !made) return made;
    }
    if (::mkdir(directory.c_str(), S_IRWXU) != 0 && errno != EEXIST) return last_error();
    std::filesystem::permissions(directory, std::filesystem::perms::owner_all, ignored);
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

Result<std::unique_ptr<NameLog>> NameLog::open(const std::filesystem::path& directory,
                                               NameLogOptions options) {
    if (const auto made = make_private(directory); !made) return made.error();
    auto opened = open_at(AT_FDCWD, directory.c_str(), O_RDONLY | O_DIRECTORY);
    if (!opened) return opened.error();
    if (::flock(opened->number(), LOCK_EX | LOCK_NB) != 0)
        return errno == EWOULDBLOCK ? std::errc::device_or_resource_busy : last_error();
    std::unique_ptr<NameLog> log{new NameLog{directory, std::move(*opened), std::move(options)}};
    log->remove_old_journals();
    if (const auto read = log->read_files(); !read) return read.error();
    log->thread_ = std::thread{[&self = *log] { self.run(); }};
    return log;
}

Result<void> NameLog::read_files() {
    std::vector<Named> found;
    std::error_code error;
    for (std::filesystem::directory_iterator entry{path_, error}, end; !error && entry != end;
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
    appended_ = 1;  // what was written before the process's end need not be durable
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
    if (!is_whole) file->mark_damaged();
}

// Those of releases that had a database for each export.
void NameLog::remove_old_journals() {
    std::error_code error;
    std::size_t removed = 0;
    for (std::filesystem::directory_iterator entry{path_, error}, end; !error && entry != end;
         entry.increment(error)) {
        std::error_code failed;
        const auto& old = entry->path();
        if (entry->is_symlink(failed) || !std::filesystem::exists(old / "data.mdb", failed))
            continue;
        for (const auto* name : {"data.mdb", "lock.mdb", "damaged.mdb", "recent.0", "recent.1"})
            std::filesystem::remove(old / name, failed);
        if (std::filesystem::remove(old, failed)) ++removed;
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
    // At the next start it is read in any case, but then its end may be thought to be missing.
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

// What is missing is not put again while it is thought to be there.
void NameLog::look_after_files() {
    const std::scoped_lock held{lock_};
    for (const auto& [number, file] : files_)
        if (!file->is_all_there()) file->mark_damaged();
}

bool NameLog::may_forget(std::uint64_t tree) const {
    const auto known = names_of_.find(tree);
    return known == names_of_.end() ||
           known->second > enough() / std::max<std::size_t>(1, names_of_.size());
}

// Once begun it goes on for a while, since a whole file is copied for each of those forgotten.
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

// What counts is copied to the end of the last file, which is another one; then the file goes.
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
    // Which trees those were that can't be read nobody knows.
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
    // What leads to it must not be forgotten before it.
    index_.use_all(NameIndex::hash_of(record.tree, directory));
    return true;
}

// For whoever wants to look at it, until others are set aside after the next start.
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
