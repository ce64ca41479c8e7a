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

mount::Renewed Following::renew(const std::string& path) {
    struct stat now {};
    const bool is_there = ::stat(path.c_str(), &now) == 0;
    const bool is_gone = !is_there && (errno == ENOENT || errno == ENOTDIR);
    std::unique_lock held{lock_};
    const auto known = places_.find(path);
    if (known == places_.end()) return mount::Renewed::yes;
    if (is_gone) return mount::Renewed::gone;
    // What can't be looked at is served as it was.
    if (!is_there || known->second == Exporting::Place{now.st_dev, now.st_ino})
        return mount::Renewed::yes;
    asked_.paths.insert(path);
    const auto number = ++asked_.number;
    const std::uint64_t one = 1;
    static_cast<void>(!::write(descriptor_, &one, sizeof one));
    answered_.wait_for(held, patience, [&] { return is_stopped_ || answered_number_ >= number; });
    return mount::Renewed::yes;
}

Following::Asked Following::take() {
    std::uint64_t count = 0;
    static_cast<void>(!::read(descriptor_, &count, sizeof count));
    const std::lock_guard held{lock_};
    return {std::exchange(asked_.paths, {}), asked_.number};
}

void Following::answer(const Asked& asked, std::map<std::string, Exporting::Place> places) {
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
