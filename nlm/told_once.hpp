// For messages that the log has once per client. Locks itself.
#pragma once

#include <cstddef>
#include <mutex>
#include <set>

#include <boost/thread/synchronized_value.hpp>

#include "nlm/owner.hpp"

namespace berth::nlm {

class ToldOnce {
public:
    /// The log skips further hosts: inventing names costs a sender nothing.
    static constexpr std::size_t hosts_max = 1024;

    [[nodiscard]] bool is_first(const Host& host) {
        auto hosts = hosts_.synchronize();
        return hosts->size() < hosts_max && hosts->insert(host).second;
    }

private:
    boost::synchronized_value<std::set<Host>, std::mutex> hosts_;
};

}  // namespace berth::nlm
