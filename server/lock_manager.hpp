// How the lock manager is set up: where it keeps what must survive, and how it reaches clients.
#pragma once

#include <cstddef>
#include <memory>

#include "nfs/state/store.hpp"
#include "nlm/programs.hpp"
#include "rpc/correspondents.hpp"
#include "server/options.hpp"

namespace berth::server {

/// `state`: null if nothing survives a restart. `correspondents`: limits the calls to clients by
/// what is known about their addresses. `descriptors_max`: how many descriptors locks may use.
[[nodiscard]] nlm::Options locking_options(const ServeOptions& options, state::Store* state,
                                           std::shared_ptr<rpc::Correspondents> correspondents,
                                           std::size_t descriptors_max);

}  // namespace berth::server
