// A typed client: calls the procedure types of a service's table over a channel. Blocking, one call
// at a time; one thread uses it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <boost/system/result.hpp>

#include "rpc/call.hpp"
#include "rpc/channel.hpp"
#include "rpc/message.hpp"
#include "xdr/codec.hpp"

namespace berth::rpc {

/// Why a call has no result.
struct Failure {
    enum class Kind : std::uint8_t {
        transport,  ///< `system` has the cause: no connection, timed out
        refused,    ///< the server accepted the call but did not run it: `accepted` has the reason
        denied,  ///< the server denied the call: `rejected`, and `auth` if the credential was the
                 ///< reason
        undecodable,  ///< the reply does not decode
    };
    Kind kind = Kind::transport;
    boost::system::error_code system;
    AcceptStatus accepted = AcceptStatus::success;
    RejectStatus rejected = RejectStatus::rpc_mismatch;
    AuthStatus auth = AuthStatus::ok;
    MismatchInfo versions;  ///< on a version mismatch: the versions that the server speaks

    [[nodiscard]] std::string text() const;
};
/// Lets boost::system::result carry a Failure; thrown as std::runtime_error by value().
[[noreturn]] void throw_exception_from_error(const Failure& failure,
                                             const boost::source_location& where);

template <class T>
using Answer = boost::system::result<T, Failure>;

/// The identity that the client claims.
struct ClientIdentity {
    AuthFlavor flavor = AuthFlavor::none;
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::vector<std::uint32_t> gids;  ///< at most 16
    std::string machine_name;
};

class Client {
public:
    Client(std::unique_ptr<Channel> channel, const ProgramId& program,
           ClientIdentity identity = {});

    /// Views in the result are good until the next call.
    template <class Procedure>
    Answer<typename Procedure::Result> call(const typename Procedure::Args& args) {
        begin(Procedure::id.number);
        xdr::encode(message_, args);
        auto results = exchange();
        if (!results) return results.error();
        typename Procedure::Result result{};
        xdr::decode(*results, result);
        if (!results->ok() || !results->rest().empty())
            return Failure{.kind = Failure::Kind::undecodable};
        return result;
    }

    /// Calls a procedure that is known by its number only, and ignores its results.
    template <class Args>
    Answer<xdr::Void> tell(std::uint32_t procedure, const Args& args) {
        begin(procedure);
        xdr::encode(message_, args);
        const auto results = exchange();
        if (!results) return results.error();
        return xdr::Void{};
    }

    void become(ClientIdentity identity) { identity_ = std::move(identity); }

private:
    void begin(std::uint32_t procedure);
    Answer<xdr::Reader> exchange();

    std::unique_ptr<Channel> channel_;
    ProgramId program_;
    ClientIdentity identity_;
    std::uint32_t xid_;
    xdr::Writer message_;
};

}  // namespace berth::rpc
