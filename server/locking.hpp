// How the lock manager is set up: where it keeps what must survive, and how it reaches clients.
#pragma once

#include <memory>

#include "nlm/programs.hpp"
#include "rpc/correspondents.hpp"
#include "server/options.hpp"
#include "server/state_directory.hpp"

namespace berth::server {

/// `correspondents`: what is known of clients' addresses bounds the calls to them.
[[nodiscard]] nlm::Options locking_options(const ServeOptions& options, const StateDirectory& state,
                                           std::shared_ptr<rpc::Correspondents> correspondents);

}  // namespace berth::server
