// Results that say something else than what happened: for interceptors that have the server
// misbehave on order.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>

#include "nfs/types.hpp"
#include "rpc/interceptor.hpp"

namespace berth::nfs {

/// What to change in the results of a call that has run.
struct ResultChanges {
    std::optional<std::uint32_t> bytes_max;  ///< READ and WRITE: that many, whatever was asked for
    std::optional<bool> eof;                 ///< of READ and listings
    bool hides_attributes = false;           ///< of objects, where the protocol lets them be absent
    bool hides_attributes_before = false;    ///< of the pairs before and after a change
    bool has_other_size = false;             ///< one byte more
    bool has_other_fileid = false;
    bool has_other_fsid = false;
    bool has_other_write_verifier = false;  ///< of WRITE and COMMIT
    bool has_other_cookie_verifier = false;
    bool repeats_entry = false;              ///< the first entry of a listing comes twice
    std::optional<std::size_t> entries_max;  ///< of a listing, which then has no end
    std::chrono::seconds clock{0};           ///< how much later all times are
    /// What the attributes of an object are replaced by.
    std::function<Attributes(const Attributes& now)> attributes;
    /// Told of the last cookie of a listing.
    std::function<void(std::uint64_t cookie)> saw_cookie;

    [[nodiscard]] bool any() const noexcept;
};

/// Changes the reply of a call of NFS version 3 that has succeeded as an RPC; leaves others alone.
void change_results(const rpc::Intercepted& call, rpc::Reply& reply, const ResultChanges& changes);

}  // namespace berth::nfs
