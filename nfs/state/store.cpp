#include "nfs/state/store.hpp"

#include <algorithm>
#include <cassert>
#include <new>
#include <stdexcept>
#include <utility>

#include <unistd.h>

#include "nfs/state/file/log.hpp"
#include "nfs/state/file/table.hpp"
#include "nfs/vfs/kept_identity.hpp"

namespace berth::state {

/// The store's state of one file.
struct Store::Slot {
    Slot(const Folder& folder, FileOptions with, const Folder::Synchronize& synchronize)
        : options(std::move(with)),
          log(folder, options.name, synchronize) {}

    const FileOptions options;
    // Used by the thread that opens the file, then by the store's thread alone:
    file::Log log;
    bool has_failed = false;
    Clock::time_point told_at;
    // Guarded by the store's lock:
    file::Table table;
    std::optional<Folder::Identity> identity;  // the file that has what was written
    Change last = 0;                           // the newest change
    Change last_tried = 0;                     // the last change that was attempted
    Change kept = 0;                           // the last change on disk
    std::error_code failure;                   // of the last attempt
    bool is_busy = false;                      // the thread is working on it

    [[nodiscard]] bool is_due() const { return last > last_tried; }
};

Store::Store(const Folder& folder, Options options)
    : folder_(folder),
      options_([&] {
          if (!options.synchronize) options.synchronize = ::fdatasync;
          return std::move(options);
      }()),
      thread_("state", [this](const std::stop_token& stop) { run(stop); }) {}

Store::~Store() {
    assert(slots_.empty());
    thread_ = {};
}

Store::Slot* Store::next_due() {
    const auto due = std::ranges::find_if(slots_, [](const auto& slot) { return slot->is_due(); });
    if (due == slots_.end()) return nullptr;
    // Next time the others come first.
    slots_.splice(slots_.end(), slots_, due);
    return slots_.back().get();
}

void Store::run(const std::stop_token& stop) {
    assert(vfs::is_server_acting());
    std::unique_lock held{lock_};
    for (Slot* due = nullptr;;) {
        changed_.wait(held, stop, [&] { return (due = next_due()) != nullptr; });
        if (due == nullptr) return;
        commit(held, *due);
    }
}

void Store::commit(std::unique_lock<std::mutex>& held, Slot& slot) {
    const auto change = slot.last;
    slot.is_busy = true;
    held.unlock();
    std::error_code outcome;
    try {
        outcome = write(slot);
    } catch (const std::bad_alloc&) {
        outcome = std::make_error_code(std::errc::not_enough_memory);
    }
    try {
        tell_of(slot, outcome);
    } catch (const std::bad_alloc&) {  // NOLINT(bugprone-empty-catch)
        // There is no memory for the line either; the next change tells.
    }
    held.lock();
    slot.is_busy = false;
    slot.last_tried = change;
    slot.failure = outcome;
    if (!outcome) slot.kept = change;
    tried_.notify_all();
}

std::error_code Store::write(Slot& slot) {
    if (auto place = folder_.check_place(); !place) return std::make_error_code(place.error());
    const bool can_append = slot.log.is_ready();
    const bool is_wasteful = [&] {
        const std::lock_guard held{lock_};
        return slot.log.is_wasteful(slot.table.live_bytes());
    }();
    auto outcome = can_append && !is_wasteful ? append(slot) : rewrite(slot);
    if (!outcome && can_append && is_wasteful && slot.log.is_ready()) {
        // It was only meant to shrink the file.
        outcome = append(slot);
    } else if (!outcome && can_append && outcome.error() == std::errc::file_too_large) {
        outcome = rewrite(slot);
    }
    return outcome ? std::error_code{} : std::make_error_code(outcome.error());
}

vfs::Result<void> Store::append(Slot& slot) {
    std::unique_lock held{lock_};
    const auto changes = slot.table.changes();
    held.unlock();
    if (changes.empty()) return {};
    if (auto written = slot.log.append(changes); !written) return written;
    held.lock();
    slot.table.written(changes);
    return {};
}

vfs::Result<void> Store::rewrite(Slot& slot) {
    std::unique_lock held{lock_};
    const auto all = slot.table.all();
    held.unlock();
    if (auto written = slot.log.rewrite(all); !written) return written;
    held.lock();
    slot.identity = slot.log.identity();
    slot.table.rewritten(all);
    return {};
}

void Store::tell_of(Slot& slot, const std::error_code& outcome) const {
    const bool is_change = slot.has_failed != static_cast<bool>(outcome);
    const auto now = Clock::now();
    const bool is_due = outcome && now - slot.told_at >= options_.between_news;
    if (!is_change && !is_due) return;
    slot.options.tell({.what = outcome ? News::What::fails : News::What::works,
                       .file = (folder_.path() / slot.options.name).string(),
                       .reason = outcome == std::make_error_code(vfs::stale)
                                     ? "another directory has been put in the place of its own"
                                     : outcome.message(),
                       .aside = {}});
    slot.has_failed = static_cast<bool>(outcome);
    slot.told_at = now;
}

bool Store::is_in_place(const Slot& slot, const std::optional<Folder::Identity>& identity) const {
    const auto named = folder_.identity(slot.options.name);
    return identity && named && *named == *identity && folder_.check_place();
}

Store::File::File(Store& store, FileOptions options)
    : store_(store),
      slot_([&]() -> Slot& {
          auto slot =
              std::make_unique<Slot>(store.folder_, std::move(options), store.options_.synchronize);
          const std::lock_guard held{store.lock_};
          for ([[maybe_unused]] const auto& other : store.slots_)
              assert(other->options.name != slot->options.name);
          store.slots_.push_back(std::move(slot));
          return *store.slots_.back();
      }()) {
    auto& table = slot_.table;
    std::optional<Entries> converted;
    const auto loaded =
        slot_.log.load([&](const file::Record& record) { table.found(record.key, record.value); },
                       [&](const std::string& text) {
                           if (slot_.options.convert) converted = slot_.options.convert(text);
                           return converted.has_value();
                       });
    for (auto& entry : converted.value_or(Entries{})) table.put_last(entry.key, entry.value);
    slot_.identity = slot_.log.identity();
    may_lack_entries_ = loaded.is_damaged;
    for (auto& [key, state] : table.all()) found_.push_back({key, std::move(state->value)});
    if (loaded.is_cut || loaded.is_damaged)
        slot_.options.tell({.what = loaded.is_cut ? News::What::cut : News::What::damaged,
                            .file = path(),
                            .reason = loaded.reason,
                            .aside = loaded.aside});
    const std::lock_guard held{store_.lock_};
    if (converted || (loaded.is_damaged && slot_.options.replaces_damaged)) note_change();
}

Store::File::~File() {
    std::unique_lock held{store_.lock_};
    if (slot_.table.has_changes()) note_change();
    store_.tried_.wait(held, [&] { return !slot_.is_due() && !slot_.is_busy; });
    std::erase_if(store_.slots_, [&](const auto& slot) { return slot.get() == &slot_; });
}

std::string Store::File::path() const {
    return (store_.folder_.path() / slot_.options.name).string();
}

Store::Change Store::File::note_change() {
    store_.changed_.notify_all();
    return ++slot_.last;
}

template <class Do>
Store::Change Store::File::change(const std::string& key, Do change_table) {
    std::unique_lock held{store_.lock_};
    change_table(slot_.table);
    if (slot_.table.is_written(key)) {
        if (!slot_.table.is_in_file(key)) return 0;
        const auto identity = slot_.identity;
        held.unlock();
        const bool is_kept = store_.is_in_place(slot_, identity);
        held.lock();
        if (is_kept && !slot_.failure) return 0;
        if (is_kept) {
            // Nobody waits for this one; but perhaps the other changes can be written now.
            note_change();
            return 0;
        }
    }
    return note_change();
}

void Store::File::check(const std::string& key, const std::string& value) {
    if (key.size() + value.size() > file::text_bytes_max)
        throw std::length_error{"an entry of a state file is too long"};
}

Store::Change Store::File::put(const std::string& key, std::string value) {
    check(key, value);
    return change(key, [&](file::Table& table) { table.put(key, std::move(value)); });
}

Store::Change Store::File::put_last(const std::string& key, std::string value) {
    check(key, value);
    return change(key, [&](file::Table& table) { table.put_last(key, std::move(value)); });
}

Store::Change Store::File::erase(const std::string& key) {
    return change(key, [&](file::Table& table) { table.erase(key); });
}

std::error_code Store::File::wait_for(Change change) {
    std::unique_lock held{store_.lock_};
    store_.tried_.wait(held, [&] { return slot_.last_tried >= change; });
    return slot_.kept >= change ? std::error_code{} : slot_.failure;
}

bool Store::File::is_in_file(const std::string& key) const {
    const std::lock_guard held{store_.lock_};
    return slot_.table.is_in_file(key);
}

}  // namespace berth::state
