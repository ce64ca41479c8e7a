#include "server/following.hpp"

#include <cerrno>
#include <system_error>
#include <utility>

#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

namespace berth::server {

Following::Following() : descriptor_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (descriptor_ < 0)
        throw std::system_error(errno, std::generic_category(), "cannot follow exports");
}

Following::~Following() {
    ::close(descriptor_);
}

vfs::Result<void> Following::renew(const std::string& path) {
    struct stat now {};
    const auto failure =
        ::stat(path.c_str(), &now) == 0 ? std::errc{} : static_cast<std::errc>(errno);
    std::unique_lock held{lock_};
    const auto leads_there = [&] {
        const auto known = places_.find(path);
        return known == places_.end() ||
               known->second == ExportTrees::Place{now.st_dev, now.st_ino};
    };
    if (!places_.contains(path)) return {};
    if (failure == std::errc::no_such_file_or_directory || failure == std::errc::not_a_directory)
        return failure;
    // A directory that can't be examined is served as before.
    if (failure != std::errc{} || leads_there()) return {};
    if (!S_ISDIR(now.st_mode)) return std::errc::not_a_directory;
    asked_.paths.insert(path);
    const auto number = ++asked_.number;
    const std::uint64_t one = 1;
    static_cast<void>(!::write(descriptor_, &one, sizeof one));
    answered_.wait_for(held, patience, [&] { return is_stopped_ || answered_number_ >= number; });
    if (!leads_there()) return std::errc::timed_out;
    return {};
}

Following::Asked Following::take() {
    std::uint64_t count = 0;
    static_cast<void>(!::read(descriptor_, &count, sizeof count));
    const std::lock_guard held{lock_};
    return {std::exchange(asked_.paths, {}), asked_.number};
}

void Following::answer(const Asked& asked, std::map<std::string, ExportTrees::Place> places) {
    const std::lock_guard held{lock_};
    places_ = std::move(places);
    answered_number_ = asked.number;
    answered_.notify_all();
}

void Following::stop() {
    const std::lock_guard held{lock_};
    is_stopped_ = true;
    answered_.notify_all();
}

}  // namespace berth::server
