// Program 100021 as a table of procedures: version 4, and version 3, whose first 16 procedures are
// versions 1 and 2. Converts between the versions; Locking does the work. Threads: any number.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "nlm/callbacks.hpp"
#include "nlm/locking.hpp"
#include "nlm/protocol.hpp"
#include "nlm/recovery.hpp"
#include "rpc/program.hpp"

namespace berth::nlm {

template <class V>
class Service {
public:
    /// All outlive the service.
    Service(Locking& locking, Callbacks& callbacks, Recovery& recovery)
        : locking_(locking),
          callbacks_(callbacks),
          recovery_(recovery) {}

    xdr::Void null(rpc::Call& call, const xdr::Void& nothing);
    TestResponse<V> test(rpc::Call& call, const TestArgs<V>& args);
    Response<V> lock(rpc::Call& call, const LockArgs<V>& args);
    Response<V> cancel(rpc::Call& call, const CancelArgs<V>& args);
    Response<V> unlock(rpc::Call& call, const UnlockArgs<V>& args);
    Response<V> granted(rpc::Call& call, const TestArgs<V>& args);

    xdr::Void test_message(rpc::Call& call, const TestArgs<V>& args);
    xdr::Void lock_message(rpc::Call& call, const LockArgs<V>& args);
    xdr::Void cancel_message(rpc::Call& call, const CancelArgs<V>& args);
    xdr::Void unlock_message(rpc::Call& call, const UnlockArgs<V>& args);
    xdr::Void granted_message(rpc::Call& call, const TestArgs<V>& args);

    xdr::Void test_result(rpc::Call& call, const TestResponse<V>& args);
    /// LOCK_RES, CANCEL_RES and UNLOCK_RES: answers to calls that this server never makes.
    xdr::Void unasked_result(rpc::Call& call, const Response<V>& args);
    xdr::Void granted_result(rpc::Call& call, const Response<V>& args);

    ShareResponse<V> share(rpc::Call& call, const ShareArgs& args);
    ShareResponse<V> unshare(rpc::Call& call, const ShareArgs& args);
    Response<V> unmonitored_lock(rpc::Call& call, const LockArgs<V>& args);
    xdr::Void free_all(rpc::Call& call, const FreeAll::Args& args);

    static const std::array<rpc::Entry<Service>, 20> procedures;

    /// A call's place is the export of its file.
    template <class Args>
        requires requires(const Args& args) {
            args.lock.file;
        }
    [[nodiscard]] std::uint64_t place_of(const rpc::Call& /*call*/, const Args& args) const {
        return locking_.place_of(args.lock.file.bytes());
    }
    [[nodiscard]] std::uint64_t place_of(const rpc::Call& /*call*/, const ShareArgs& args) const {
        return locking_.place_of(args.share.file.bytes());
    }
    [[nodiscard]] std::string name_of(std::uint64_t place) const { return locking_.name_of(place); }

private:
    template <class Procedure>
    void answer(const rpc::Call& call, const Response<V>& response);

    Locking& locking_;
    Callbacks& callbacks_;
    Recovery& recovery_;
};

extern template class Service<Wide>;
extern template class Service<Narrow>;

}  // namespace berth::nlm
