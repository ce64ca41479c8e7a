// For what the log says once of each client. Locks itself.
#pragma once

#include <cstddef>
#include <mutex>
#include <set>

#include "nlm/owner.hpp"

namespace berth::nlm {

class ToldOnce {
public:
    /// Of more the log says nothing: names cost their sender nothing.
    static constexpr std::size_t hosts_max = 1024;

    [[nodiscard]] bool is_first(const Host& host) {
        const std::lock_guard guard{lock_};
        return hosts_.size() < hosts_max && hosts_.insert(host).second;
    }

private:
    std::mutex lock_;
    std::set<Host> hosts_;
};

}  // namespace berth::nlm
