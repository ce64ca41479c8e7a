#include "nfs/state/file/table.hpp"

#include <algorithm>
#include <utility>

#include "nfs/state/file/record.hpp"

namespace berth::state::file {

void Table::found(std::string_view key, std::optional<std::string_view> value) {
    const std::string own{key};
    std::optional<State> state;
    if (value) state = State{.value = std::string{*value}, .order = ++last_};
    entries_[own].written = state;
    set(own, std::move(state));
}

void Table::set(const std::string& key, std::optional<State> wanted) {
    const auto entry = entries_.try_emplace(key).first;
    const auto size = [&](const std::optional<State>& state) {
        return state ? size_of({.key = key, .value = state->value}) : 0;
    };
    // Operations that may fail come first.
    changed_.insert(key);
    live_bytes_ += size(wanted);
    live_bytes_ -= size(entry->second.wanted);
    entry->second.wanted = std::move(wanted);
    compare(entry);
}

void Table::compare(Entries::iterator entry) {
    if (entry->second.wanted != entry->second.written) return;
    changed_.erase(entry->first);
    if (!entry->second.wanted) entries_.erase(entry);
}

void Table::put(const std::string& key, std::string value) {
    const auto found = entries_.find(key);
    if (found != entries_.end()) {
        const auto& [wanted, written] = found->second;
        if (wanted && wanted->value == value) return;
        if (!wanted && written && written->value == value) {
            set(key, written);
            return;
        }
    }
    put_last(key, std::move(value));
}

void Table::put_last(const std::string& key, std::string value) {
    const auto found = entries_.find(key);
    const bool is_last =
        found != entries_.end() && found->second.wanted && found->second.wanted->order == last_;
    if (is_last && found->second.wanted->value == value) return;
    set(key, State{.value = std::move(value), .order = ++last_});
}

void Table::erase(const std::string& key) {
    if (entries_.contains(key)) set(key, {});
}

bool Table::is_in_file(const std::string& key) const {
    const auto found = entries_.find(key);
    return found != entries_.end() && found->second.written;
}

void Table::sort(std::vector<Pending>& pending) {
    const auto order = [](const Pending& one) { return one.state ? one.state->order : 0; };
    std::ranges::sort(pending, {}, order);
}

std::vector<Table::Pending> Table::changes() const {
    std::vector<Pending> pending;
    pending.reserve(changed_.size());
    for (const auto& key : changed_) pending.push_back({key, entries_.at(key).wanted});
    sort(pending);
    return pending;
}

std::vector<Table::Pending> Table::all() const {
    std::vector<Pending> pending;
    pending.reserve(entries_.size());
    for (const auto& [key, entry] : entries_)
        if (entry.wanted) pending.push_back({key, entry.wanted});
    sort(pending);
    return pending;
}

// Another state may be wanted by now, or none.
void Table::now_in_file(const std::string& key, const std::optional<State>& state) {
    const auto entry = entries_.try_emplace(key).first;
    changed_.insert(key);
    entry->second.written = state;
    compare(entry);
}

void Table::written(const std::vector<Pending>& changes) {
    for (const auto& [key, state] : changes) now_in_file(key, state);
}

void Table::rewritten(const std::vector<Pending>& all) {
    std::set<std::string_view> there;
    for (const auto& pending : all) there.insert(pending.key);
    std::vector<std::string> gone;
    for (const auto& [key, entry] : entries_)
        if (entry.written && !there.contains(key)) gone.push_back(key);
    for (const auto& key : gone) now_in_file(key, {});
    written(all);
}

}  // namespace berth::state::file
