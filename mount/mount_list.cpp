#include "mount/mount_list.hpp"

#include <algorithm>
#include <sstream>
#include <string>
#include <tuple>
#include <utility>

#include <unistd.h>

#include <spdlog/spdlog.h>

namespace berth::mount {
namespace {

std::string key_of(const MountList::Entry& entry) {
    return entry.host + " " + entry.directory;
}

bool fits(const MountList::Entry& entry) {
    return entry.host.size() <= name_bytes_max && entry.directory.size() <= path_bytes_max;
}

std::optional<MountList::Entry> entry_of(std::string_view key) {
    const auto blank = key.find(' ');
    if (blank == 0 || blank == std::string_view::npos || !key.substr(blank + 1).starts_with('/'))
        return {};
    MountList::Entry entry{.host = std::string{key.substr(0, blank)},
                           .directory = std::string{key.substr(blank + 1)}};
    return fits(entry) ? std::optional{std::move(entry)} : std::nullopt;
}

/// A line "HOST DIRECTORY" of earlier versions. Characters that would end the line or begin an
/// escape are written as "\\" and three octal digits.
std::optional<MountList::Entry> entry_of_line(std::string_view line) {
    const auto blank = line.find(' ');
    if (blank == 0 || blank == std::string_view::npos) return {};
    MountList::Entry entry{.host = std::string{line.substr(0, blank)}, .directory = {}};
    line.remove_prefix(blank + 1);
    if (!line.starts_with('/')) return {};
    while (!line.empty()) {
        const bool is_escape = line.front() == '\\';
        if (is_escape && !line.starts_with("\\012") && !line.starts_with("\\134")) return {};
        entry.directory += !is_escape ? line.front() : line[1] == '0' ? '\n' : '\\';
        line.remove_prefix(is_escape ? 4 : 1);
    }
    return fits(entry) ? std::optional{std::move(entry)} : std::nullopt;
}

std::optional<state::Store::Entries> convert(const std::string& text) {
    state::Store::Entries entries;
    std::istringstream in{text};
    std::string line;
    while (std::getline(in, line)) {
        if (const auto entry = entry_of_line(line))
            entries.push_back({key_of(*entry), {}});
        else
            spdlog::warn("malformed line in the list of mounts skipped");
    }
    return entries;
}

void tell(const state::Store::News& news) {
    using What = state::Store::News::What;
    switch (news.what) {
    case What::fails:
        spdlog::error(
            "{} can't be written ({}): clients can still mount, but after a restart showmount will "
            "not list their mounts; make room there, or let uid {} write it",
            news.file, news.reason, ::geteuid());
        return;
    case What::works: spdlog::info("{} can be written again", news.file); return;
    case What::cut:
        spdlog::info("the last record of {} is incomplete and has been removed", news.file);
        return;
    case What::damaged: break;
    }
    spdlog::warn("{} is damaged ({}): showmount may not list all earlier mounts. The damaged file "
                 "is {}",
                 news.file, news.reason,
                 news.aside.empty() ? "moved aside when a new one is written"
                                    : "kept beside it as " + news.aside);
}

}  // namespace

MountList::MountList(state::Store* store) {
    if (store == nullptr) return;
    file_.emplace(
        *store, state::Store::FileOptions{
                    .name = "mounts", .tell = tell, .convert = convert, .replaces_damaged = true});
    auto entries = entries_.synchronize();
    for (const auto& found : file_->found()) {
        if (const auto entry = entry_of(found.key)) {
            enter(*entries, *entry);
            continue;
        }
        spdlog::warn("{}: malformed entry skipped", file_->path());
        std::ignore = file_->erase(found.key);
    }
}

void MountList::wait_for(Change change) {
    if (file_) std::ignore = file_->wait_for(change);
}

void MountList::add(std::string_view host, std::string_view directory) {
    const Entry entry{std::string{host}, std::string{directory}};
    if (!fits(entry)) return;
    Change change = 0;
    {
        auto entries = entries_.synchronize();
        enter(*entries, entry);
        if (file_) change = file_->put_last(key_of(entry), {});
    }
    wait_for(change);
}

void MountList::enter(Entries& entries, const Entry& entry) {
    auto& by_name = entries.get<1>();
    if (entries.size() >= entries_max && !by_name.contains(entry))
        erase(entries, by_name.find(entries.front()));
    const auto [known, is_new] = entries.push_back(entry);
    if (!is_new) entries.relocate(entries.end(), known);
}

MountList::Change MountList::erase(Entries& entries, ByName::iterator entry) {
    const auto key = file_ ? key_of(*entry) : std::string{};
    entries.get<1>().erase(entry);
    return file_ ? file_->erase(key) : 0;
}

void MountList::remove(std::string_view host, std::string_view directory) {
    Change change = 0;
    {
        auto entries = entries_.synchronize();
        const auto& by_name = entries->get<1>();
        const auto known = by_name.find(Entry{std::string{host}, std::string{directory}});
        if (known != by_name.end()) change = erase(*entries, known);
    }
    wait_for(change);
}

void MountList::remove_all(std::string_view host) {
    Change change = 0;
    {
        auto entries = entries_.synchronize();
        const auto& by_name = entries->get<1>();
        for (;;) {
            const auto known = by_name.lower_bound(Entry{std::string{host}, {}});
            if (known == by_name.end() || known->host != host) break;
            change = std::max(change, erase(*entries, known));
        }
    }
    wait_for(change);
}

std::vector<MountList::Entry> MountList::all() const {
    auto entries = entries_.synchronize();
    return {entries->begin(), entries->end()};
}

}  // namespace berth::mount
