#include "mount/mount_list.hpp"

#include <fstream>
#include <tuple>
#include <utility>

#include <unistd.h>

#include <spdlog/spdlog.h>

namespace berth::mount {
namespace {

/// One line "HOST DIRECTORY"; what would end the line or begin an escape is "\\" and three octal
/// digits.
std::string line_of(const MountList::Entry& entry) {
    auto line = entry.host + " ";
    for (const char c : entry.directory) {
        if (c != '\n' && c != '\\') {
            line += c;
            continue;
        }
        line += c == '\n' ? "\\012" : "\\134";
    }
    return line + "\n";
}

std::optional<MountList::Entry> entry_of(std::string_view line) {
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
    const bool fits =
        entry.host.size() <= name_bytes_max && entry.directory.size() <= path_bytes_max;
    return fits ? std::optional{std::move(entry)} : std::nullopt;
}

}  // namespace

MountList::MountList(std::optional<std::filesystem::path> file) : file_(std::move(file)) {
    if (!file_) return;
    read();
    keeper_.emplace(vfs::FileKeeper::Options{
        .file = *file_,
        .contents = [this] { return text(); },
        .tell = [this](const std::error_code& failure) { tell(failure); }});
}

void MountList::read() {
    std::ifstream in{*file_, std::ios::binary};
    std::string line;
    while (std::getline(in, line)) {
        if (const auto entry = entry_of(line))
            enter(*entry);
        else
            spdlog::warn("{}: a line that is no mount is left out", file_->string());
    }
}

std::string MountList::text() const {
    const std::scoped_lock locked{lock_};
    std::string text;
    for (const auto& entry : entries_) text += line_of(entry);
    return text;
}

void MountList::tell(const std::error_code& failure) const {
    if (!failure) {
        spdlog::info("{} can be written again", file_->string());
        return;
    }
    spdlog::error("{} can't be written ({}): clients may mount all the same, but after a restart "
                  "showmount will not know who has mounted what; make room there, or let uid {} "
                  "write it",
                  file_->string(), failure.message(), ::geteuid());
}

void MountList::save() {
    if (keeper_) std::ignore = keeper_->write_now();
}

void MountList::add(std::string_view host, std::string_view directory) {
    if (host.size() > name_bytes_max || directory.size() > path_bytes_max) return;
    {
        const std::scoped_lock locked{lock_};
        enter({std::string{host}, std::string{directory}});
    }
    save();
}

void MountList::enter(const Entry& entry) {
    if (const auto known = places_.find(entry); known != places_.end()) {
        entries_.splice(entries_.end(), entries_, known->second);
        return;
    }
    if (entries_.size() >= entries_max) {
        places_.erase(entries_.front());
        entries_.pop_front();
    }
    places_.emplace(entry, entries_.insert(entries_.end(), entry));
}

void MountList::remove(std::string_view host, std::string_view directory) {
    {
        const std::scoped_lock locked{lock_};
        const auto known = places_.find({std::string{host}, std::string{directory}});
        if (known == places_.end()) return;
        entries_.erase(known->second);
        places_.erase(known);
    }
    save();
}

void MountList::remove_all(std::string_view host) {
    {
        const std::scoped_lock locked{lock_};
        auto known = places_.lower_bound({std::string{host}, {}});
        if (known == places_.end() || known->first.host != host) return;
        while (known != places_.end() && known->first.host == host) {
            entries_.erase(known->second);
            known = places_.erase(known);
        }
    }
    save();
}

std::vector<MountList::Entry> MountList::all() const {
    const std::scoped_lock locked{lock_};
    return {entries_.begin(), entries_.end()};
}

}  // namespace berth::mount
