#include "nfs/wcc.hpp"

#include <functional>

namespace berth::nfs {

namespace {

vfs::Result<vfs::Attributes> look(const Target& target) {
    return target.node->attributes(target.caller.patience);
}

Wcc pair_of(const Target& target, const vfs::Result<vfs::Attributes>& before) {
    Wcc wcc;
    if (before) wcc.before = to_wcc(*before);
    wcc.after = target.attributes();
    return wcc;
}

}  // namespace

WccRecorder::WccRecorder(const Target& target)
    : target_(target),
      lock_(target.node->change_lock()),
      before_(look(target)) {}

Wcc WccRecorder::finish() {
    auto wcc = pair_of(target_, before_);
    lock_.unlock();
    return wcc;
}

WccRecorderPair::WccRecorderPair(const Target& first, const Target& second)
    : first_target_(first),
      second_target_(second),
      first_lock_(first.node->change_lock(), std::defer_lock),
      second_lock_(second.node->change_lock(), std::defer_lock) {
    if (first_lock_.mutex() == second_lock_.mutex()) {
        first_lock_.lock();
    } else if (std::less<>{}(first_lock_.mutex(), second_lock_.mutex())) {
        first_lock_.lock();
        second_lock_.lock();
    } else {
        second_lock_.lock();
        first_lock_.lock();
    }
    first_before_ = look(first);
    second_before_ = first.node == second.node ? first_before_ : look(second);
}

WccRecorderPair::Both WccRecorderPair::finish() {
    Both both{.first = pair_of(first_target_, first_before_), .second = {}};
    both.second = first_target_.node == second_target_.node
                      ? both.first
                      : pair_of(second_target_, second_before_);
    first_lock_.unlock();
    if (second_lock_.owns_lock()) second_lock_.unlock();
    return both;
}

}  // namespace berth::nfs
