// Program 100000 as a server serves it: three versions over one registry.
#pragma once

#include <vector>

#include "portmap/registry.hpp"
#include "portmap/rpcbind_service.hpp"
#include "portmap/service2.hpp"
#include "portmap/statistics.hpp"
#include "rpc/program.hpp"

namespace berth::portmap {

/// The services behind the programs. Outlives them; the registry outlives it.
class Services {
public:
    explicit Services(Registry& registry)
        : service2_(registry, statistics_),
          service3_(registry, statistics_),
          service4_(registry, statistics_) {}
    Services(const Services&) = delete;
    Services& operator=(const Services&) = delete;

    /// Versions 2, 3 and 4. They accept any credential: clients ask with the one that they will use
    /// later.
    [[nodiscard]] std::vector<rpc::Program> programs();

private:
    Statistics statistics_;
    Service2 service2_;
    Service3 service3_;
    Service4 service4_;
};

}  // namespace berth::portmap
