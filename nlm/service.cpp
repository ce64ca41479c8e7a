#include "nlm/service.hpp"

#include <algorithm>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>

#include "nlm/cookie.hpp"

namespace berth::nlm {
namespace {

/// A client that does not fetch its answer asks again.
constexpr std::chrono::seconds answer_patience{30};

template <class V>
constexpr bool is_narrow = std::is_same_v<V, Narrow>;

/// Versions 1 to 3 have fewer statuses; where no lock can be had, they use the last one.
template <class V>
typename V::Status to_wire(Status status) {
    if constexpr (is_narrow<V>) {
        if (status > Status::deadlock) return NarrowStatus::denied_no_locks;
        return static_cast<NarrowStatus>(status);
    } else {
        return status;
    }
}

template <class V>
Asked asked_of(const LockArgument<V>& lock) {
    return {.caller_name = lock.caller_name,
            .file = lock.file.bytes(),
            .owner = lock.owner.bytes(),
            .svid = lock.svid,
            .offset = lock.offset,
            .length = lock.length,
            .is_narrow = is_narrow<V>};
}

template <class Args>
Asked exclusive_asked_of(const Args& args) {
    auto asked = asked_of(args.lock);
    asked.exclusive = args.exclusive;
    return asked;
}

template <class V>
Asked lock_asked_of(const LockArgs<V>& args) {
    auto asked = exclusive_asked_of(args);
    asked.block = args.block;
    asked.reclaim = args.reclaim;
    asked.state = args.state;
    return asked;
}

/// Values beyond 32 bits are clamped. `owner` must live as long as the result.
template <class V>
Holder<V> to_wire(const LockTable::Holder& holder, NetObject owner) {
    using Offset = typename V::Offset;
    constexpr std::uint64_t offset_max = std::numeric_limits<Offset>::max();
    const auto& range = holder.held.range;
    const bool is_to_end = range.last >= std::min(vfs::ByteRange::byte_max, offset_max);
    return {.exclusive = holder.held.kind == vfs::LockKind::exclusive,
            .svid = holder.svid,
            .owner = owner,
            .offset = static_cast<Offset>(std::min(range.first, offset_max)),
            .length = is_to_end ? Offset{0} : static_cast<Offset>(range.last - range.first + 1)};
}

template <class V>
TestReply<V> to_wire(const Locking::Tested& tested, NetObject owner) {
    const auto status = to_wire<V>(tested.status);
    if (tested.status != Status::denied) return TestReply<V>::otherwise(status);
    return TestReply<V>::template make<V::Status::denied>(to_wire<V>(tested.holder, owner));
}

NetObject kept(rpc::Arena& memory, const std::string& text) {
    const auto bytes = memory.bytes(text.size());
    std::ranges::copy(std::as_bytes(std::span{text}), bytes.begin());
    return std::span<const std::byte>{bytes};
}

std::string text_of(const NetObject& object) {
    return {reinterpret_cast<const char*>(object.bytes().data()), object.size()};
}
NetObject object_of(const std::string& text) {
    return std::as_bytes(std::span{text});
}

/// `text_bytes`: the size of the texts that the answer repeats.
Callback callback_to(const rpc::Call& call, std::size_t text_bytes) {
    return {.path = {.client = call.caller.address,
                     .local = call.local.address,
                     .transport = call.transport,
                     .version = call.program.version,
                     .call_bytes = text_bytes},
            .program = call.program,
            .call = {},
            .patience = answer_patience,
            .kind = Callback::Kind::answer};
}

}  // namespace

template <class V>
xdr::Void Service<V>::null(rpc::Call&, const xdr::Void&) {
    return {};
}

template <class V>
TestResponse<V> Service<V>::test(rpc::Call& call, const TestArgs<V>& args) {
    const auto tested = locking_.test(call, exclusive_asked_of(args));
    return {args.cookie, to_wire<V>(tested, kept(call.memory, tested.holder.owner_handle))};
}

template <class V>
Response<V> Service<V>::lock(rpc::Call& call, const LockArgs<V>& args) {
    return {args.cookie, to_wire<V>(locking_.lock(call, lock_asked_of(args)))};
}

template <class V>
Response<V> Service<V>::cancel(rpc::Call& call, const CancelArgs<V>& args) {
    return {args.cookie, to_wire<V>(locking_.cancel(call, exclusive_asked_of(args)))};
}

template <class V>
Response<V> Service<V>::unlock(rpc::Call& call, const UnlockArgs<V>& args) {
    return {args.cookie, to_wire<V>(locking_.unlock(call, asked_of(args.lock)))};
}

// This server never waits for a lock at another one.
template <class V>
Response<V> Service<V>::granted(rpc::Call&, const TestArgs<V>& args) {
    return {args.cookie, V::Status::denied};
}

template <class V>
template <class Procedure>
void Service<V>::answer(const rpc::Call& call, const Response<V>& response) {
    auto callback = callback_to(call, response.cookie.size());
    callback.call = [cookie = text_of(response.cookie),
                     status = response.status](rpc::Client& client) {
        return client.template call<Procedure>({object_of(cookie), status}).has_value();
    };
    callbacks_.post(std::move(callback));
}

template <class V>
xdr::Void Service<V>::test_message(rpc::Call& call, const TestArgs<V>& args) {
    auto tested = locking_.test(call, exclusive_asked_of(args));
    auto callback = callback_to(call, args.cookie.size() + tested.holder.owner_handle.size());
    callback.call = [cookie = text_of(args.cookie),
                     tested = std::move(tested)](rpc::Client& client) {
        const auto reply = to_wire<V>(tested, object_of(tested.holder.owner_handle));
        return client.template call<TestResult<V>>({object_of(cookie), reply}).has_value();
    };
    callbacks_.post(std::move(callback));
    return {};
}

template <class V>
xdr::Void Service<V>::lock_message(rpc::Call& call, const LockArgs<V>& args) {
    auto asked = lock_asked_of(args);
    asked.by_message = true;
    answer<LockResult<V>>(call, {args.cookie, to_wire<V>(locking_.lock(call, asked))});
    return {};
}

template <class V>
xdr::Void Service<V>::cancel_message(rpc::Call& call, const CancelArgs<V>& args) {
    answer<CancelResult<V>>(call, cancel(call, args));
    return {};
}

template <class V>
xdr::Void Service<V>::unlock_message(rpc::Call& call, const UnlockArgs<V>& args) {
    answer<UnlockResult<V>>(call, unlock(call, args));
    return {};
}

template <class V>
xdr::Void Service<V>::granted_message(rpc::Call& call, const TestArgs<V>& args) {
    answer<GrantedResult<V>>(call, granted(call, args));
    return {};
}

template <class V>
xdr::Void Service<V>::test_result(rpc::Call&, const TestResponse<V>&) {
    return {};
}

template <class V>
xdr::Void Service<V>::unasked_result(rpc::Call&, const Response<V>&) {
    return {};
}

template <class V>
xdr::Void Service<V>::granted_result(rpc::Call& call, const Response<V>& args) {
    // A client that is itself restarting may want the lock when it is asked again.
    if (args.status == V::Status::denied_grace_period) return {};
    if (const auto id = id_of(args.cookie.bytes()))
        locking_.acknowledge(call, *id, args.status == V::Status::granted);
    return {};
}

template <class V>
ShareResponse<V> Service<V>::share(rpc::Call& call, const ShareArgs& args) {
    return {args.cookie, to_wire<V>(locking_.share(call, args)), 0};
}

template <class V>
ShareResponse<V> Service<V>::unshare(rpc::Call& call, const ShareArgs& args) {
    return {args.cookie, to_wire<V>(locking_.unshare(call, args)), 0};
}

// X/Open XNFS chapter 10: it never waits, whatever the call says.
template <class V>
Response<V> Service<V>::unmonitored_lock(rpc::Call& call, const LockArgs<V>& args) {
    auto asked = lock_asked_of(args);
    asked.is_monitored = false;
    asked.block = false;
    return {args.cookie, to_wire<V>(locking_.lock(call, asked))};
}

template <class V>
xdr::Void Service<V>::free_all(rpc::Call& call, const FreeAll::Args& args) {
    recovery_.free_all(call, args.name);
    return {};
}

template <class V>
constexpr std::array<rpc::Entry<Service<V>>, 20> Service<V>::procedures{
    rpc::on<rpc::Null, &Service::null>(),
    rpc::on<Test<V>, &Service::test>(),
    rpc::on<Lock<V>, &Service::lock>(),
    rpc::on<Cancel<V>, &Service::cancel>(),
    rpc::on<Unlock<V>, &Service::unlock>(),
    rpc::on<Granted<V>, &Service::granted>(),
    rpc::on<TestMessage<V>, &Service::test_message>(),
    rpc::on<LockMessage<V>, &Service::lock_message>(),
    rpc::on<CancelMessage<V>, &Service::cancel_message>(),
    rpc::on<UnlockMessage<V>, &Service::unlock_message>(),
    rpc::on<GrantedMessage<V>, &Service::granted_message>(),
    rpc::on<TestResult<V>, &Service::test_result>(),
    rpc::on<LockResult<V>, &Service::unasked_result>(),
    rpc::on<CancelResult<V>, &Service::unasked_result>(),
    rpc::on<UnlockResult<V>, &Service::unasked_result>(),
    rpc::on<GrantedResult<V>, &Service::granted_result>(),
    rpc::on<TakeShare<V>, &Service::share>(),
    rpc::on<Unshare<V>, &Service::unshare>(),
    rpc::on<UnmonitoredLock<V>, &Service::unmonitored_lock>(),
    rpc::on<FreeAll, &Service::free_all>(),
};

template class Service<Wide>;
template class Service<Narrow>;

}  // namespace berth::nlm
