#include "mount/mount_list.hpp"

namespace berth::mount {

void MountList::add(std::string_view host, std::string_view directory) {
    if (host.size() > name_bytes_max || directory.size() > path_bytes_max) return;
    const Entry entry{std::string{host}, std::string{directory}};
    const std::scoped_lock locked{lock_};
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
    const std::scoped_lock locked{lock_};
    const auto known = places_.find({std::string{host}, std::string{directory}});
    if (known == places_.end()) return;
    entries_.erase(known->second);
    places_.erase(known);
}

void MountList::remove_all(std::string_view host) {
    const std::scoped_lock locked{lock_};
    auto known = places_.lower_bound({std::string{host}, {}});
    while (known != places_.end() && known->first.host == host) {
        entries_.erase(known->second);
        known = places_.erase(known);
    }
}

std::vector<MountList::Entry> MountList::all() const {
    const std::scoped_lock locked{lock_};
    return {entries_.begin(), entries_.end()};
}

}  // namespace berth::mount
