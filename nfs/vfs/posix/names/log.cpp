#include "nfs/vfs/posix/names/log.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <new>
#include <system_error>
#include <tuple>
#include <utility>

#include <unistd.h>

#include <boost/filesystem/operations.hpp>
#include <boost/filesystem/path.hpp>

#include "nfs/vfs/posix/system/calls.hpp"

namespace berth::vfs::posix {
namespace {

constexpr std::chrono::milliseconds between_rounds{100};
constexpr std::chrono::seconds after_failure{1};
constexpr std::chrono::seconds between_looks{5};

// A record that was found may be copied elsewhere meanwhile, once in many minutes.
constexpr int finds_max = 8;

}  // namespace

NameLog::NameLog(boost::filesystem::path path, Descriptor directory, NameLogOptions options)
    : path_(std::move(path)),
      directory_(std::move(directory)),
      options_(std::move(options)) {}

NameLog::~NameLog() {
    if (!thread_) return;
    thread_.reset();
    std::ignore = group_.run(Sync::data, [this](Sync) { return synchronize_now(); });
    finish_files();
}

std::vector<Place> NameLog::find(std::uint64_t tree, const ObjectId& id) {
    const auto object = NameIndex::hash_of(tree, id);
    std::vector<Place> places;
    for (int tries = 0; tries < finds_max; ++tries) {
        places.clear();
        bool has_moved = false;
        for (const auto position : index_.find(object)) {
            auto record = read(tree, object, position, has_moved);
            if (record && record->tree == tree && record->id == id)
                places.push_back(std::move(record->place));
        }
        if (!has_moved) break;
    }
    return places;
}

std::optional<NameRecord> NameLog::read(std::uint64_t tree, std::uint64_t object,
                                        NamePosition position, bool& has_moved) {
    File file;
    {
        const std::scoped_lock held{lock_};
        if (const auto found = files_.find(position.file()); found != files_.end())
            file = found->second;
    }
    if (file) {
        if (auto record = file->read(position); record && record->kind == NameRecord::Kind::put)
            return std::move(*record);
    }
    const std::scoped_lock held{lock_};
    if (!index_.erase(object, position)) {
        has_moved = true;
        return std::nullopt;
    }
    count_erased(tree, position);
    if (file) file->mark_damaged();
    changed_.notify_all();
    return std::nullopt;
}

void NameLog::put(std::uint64_t tree, const ObjectId& id, const ObjectId& directory,
                  std::string_view name) {
    const auto key = NameIndex::key_of(tree, id, directory, name);
    index_.use_all(NameIndex::hash_of(tree, directory));
    if (index_.use(key)) return;
    const auto record = encode(NameRecord::Kind::put, tree, id, directory, name);
    Held held{lock_};
    const auto room = options_.names_max + options_.names_max / 4 + 1;
    if (index_.size() >= room) {
        changed_.notify_all();
        changed_.wait(held, [&] { return index_.size() < room || has_failed_; });
        if (index_.size() >= room) return;  // nothing can be kept, and trouble() has said so
    }
    if (index_.use(key)) return;
    const auto position = append(record);
    if (!position) return;
    count_put(tree, *position, index_.put(key, *position));
    last_put_ = appended_.load();
}

bool NameLog::put_at_once(std::uint64_t tree, const ObjectId& id, const ObjectId& directory,
                          std::string_view name) {
    if (!index_.use(NameIndex::key_of(tree, id, directory, name))) return false;
    index_.use_all(NameIndex::hash_of(tree, directory));
    return true;
}

void NameLog::erase(std::uint64_t tree, const ObjectId& id, const ObjectId& directory,
                    std::string_view name) {
    const auto key = NameIndex::key_of(tree, id, directory, name);
    if (!index_.use(key)) return;
    const auto record = encode(NameRecord::Kind::erase, tree, id, directory, name);
    const Held held{lock_};
    const auto erased = index_.erase(key);
    if (!erased) return;
    count_erased(tree, *erased);
    append(record);
}

std::optional<NamePosition> NameLog::append(const std::vector<std::byte>& record) {
    File& last = files_.rbegin()->second;
    const auto position = last->append(record);
    if (!position) {
        fail("a name can't be kept (" + text_of(position.error()) + ")");
        return std::nullopt;
    }
    if (last->has_unwritten())
        fail("names can't be written (" + text_of(last->write_error()) + ")");
    if (appended_++ == durable_ || is_pressing()) changed_.notify_all();
    return *position;
}

void NameLog::count_put(std::uint64_t tree, NamePosition position, const NameIndex::Put& put) {
    if (put.is_new) ++names_of_[tree];
    live_bytes_ += position.bytes();
    if (put.replaced) live_bytes_ -= put.replaced->bytes();
}

void NameLog::count_erased(std::uint64_t tree, NamePosition position) {
    live_bytes_ -= position.bytes();
    const auto known = names_of_.find(tree);
    if (known != names_of_.end() && --known->second == 0) names_of_.erase(known);
}

// Reported once, until the journal works again.
void NameLog::fail(std::string trouble) {
    if (has_failed_) return;
    note(std::move(trouble) + ": after a restart some file handles may be stale");
    has_failed_ = true;
}

// The thread goes on: what it had to do is still to be done, with memory that is there by then.
void NameLog::survive(const std::exception& failure) noexcept {
    const std::scoped_lock held{lock_};
    try {
        fail(std::string{"its thread has failed ("} + failure.what() + ")");
    } catch (const std::bad_alloc&) {
        return;  // said the next time
    }
}

std::string NameLog::text_of(std::errc error) {
    return std::make_error_code(error).message();
}

void NameLog::note(std::string trouble) {
    if (!trouble_) {
        trouble_ = "the journal of names " + path_.string() + ": " + std::move(trouble);
    } else if (trouble_->find(trouble) == std::string::npos) {
        *trouble_ += "; " + trouble;
    }
}

std::optional<std::string> NameLog::trouble() {
    const std::scoped_lock held{lock_};
    return std::exchange(trouble_, std::nullopt);
}

Result<void> NameLog::synchronize() {
    if (durable_ >= last_put_) return {};  // an erased name may return: it is verified on use
    return group_.run(Sync::data, [this](Sync) { return synchronize_now(); });
}

Result<void> NameLog::synchronize_now() {
    std::vector<File> files;
    std::uint64_t records = 0;
    {
        const std::scoped_lock held{lock_};
        records = appended_;
        if (durable_ >= records) return {};
        files = unsynchronized_;
        files.push_back(files_.rbegin()->second);
    }
    Result<void> outcome;
    for (const auto& file : files) {
        outcome = file->write_out();
        if (!outcome) break;
        outcome = options_.synchronize ? options_.synchronize(file->descriptor())
                                       : checked(::fdatasync(file->descriptor()));
        // Records that only the kernel's memory had are lost now; those that it can still read are
        // copied.
        if (!outcome && outcome.error() == std::errc::io_error) file->mark_damaged();
        if (!outcome) break;
    }
    const std::scoped_lock held{lock_};
    if (!outcome) {
        fail("names can't be made durable (" + text_of(outcome.error()) + ")");
        return outcome;
    }
    std::erase_if(unsynchronized_,
                  [&](const File& one) { return std::ranges::find(files, one) != files.end(); });
    durable_ = std::max(durable_.load(), records);
    return outcome;
}

bool NameLog::has_work() {
    return durable_ < appended_ || has_failed_ || is_file_full() || next_to_empty();
}

bool NameLog::is_pressing() const {
    return index_.size() > options_.names_max || files_.rbegin()->second->size() > 2 * file_bytes();
}

void NameLog::run(const std::stop_token& stop) {
    Held held{lock_};
    for (;;) {
        changed_.wait_for(held, stop, between_looks, [this] { return hurry_ || has_work(); });
        // Work that arrives shortly afterwards is done in the same round.
        const auto pause = has_failed_ ? after_failure : std::chrono::milliseconds{between_rounds};
        changed_.wait_for(held, stop, pause,
                          [this] { return hurry_ || (!has_failed_ && is_pressing()); });
        if (stop.stop_requested()) return;
        hurry_ = false;
        ++rounds_;
        held.unlock();
        try {
            work();
        } catch (const std::exception& failure) {
            survive(failure);
        }
        held.lock();
        rounds_ended_ = rounds_;
        changed_.notify_all();
    }
}

void NameLog::work() {
    look_after_files();
    for (;;) {
        const auto synchronized =
            group_.run(Sync::data, [this](Sync) { return synchronize_now(); });
        Held held{lock_};
        if (!synchronized) {
            fail("names can't be made durable (" + text_of(synchronized.error()) + ")");
            return;
        }
        const auto file = next_to_empty();
        const bool is_to_turn = is_file_full() || (file && file == files_.rbegin()->second);
        if (!file && !is_to_turn) {
            has_failed_ = false;
            return;
        }
        held.unlock();
        if (is_to_turn && !begin_file()) return;
        if (file && !empty(file)) return;
    }
}

bool NameLog::finish() {
    Held held{lock_};
    // A running round may have begun before the last change.
    const auto wanted = rounds_ + 1;
    hurry_ = true;
    changed_.notify_all();
    changed_.wait(held, [&] { return rounds_ended_ >= wanted; });
    return !has_failed_ && durable_ >= appended_;
}

}  // namespace berth::vfs::posix
