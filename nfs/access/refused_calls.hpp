// Log lines for calls that an export, or the lack of one, refuses: a client whose calls all fail
// for a reason that only the administrator can see. One line an hour for each client and reason.
#pragma once

#include <system_error>

#include "nfs/exports/exports.hpp"
#include "rpc/call.hpp"

namespace berth::access {

/// For an error of Exports::admit(), if it is a refusal.
void tell_refused(const rpc::Call& call, const exports::Exports& exports, exports::ExportId id,
                  std::errc error) noexcept;
/// For a handle that HandleSealer::open() has refused.
void tell_unknown_handle(const rpc::Call& call) noexcept;

}  // namespace berth::access
