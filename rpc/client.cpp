#include "rpc/client.hpp"

#include <random>
#include <stdexcept>

namespace berth::rpc {

namespace {

Failure failure_of(const AcceptedBody& body) {
    Failure failure{.kind = Failure::Kind::refused, .accepted = body.discriminant()};
    if (const auto* versions = body.get_if<AcceptStatus::program_mismatch>())
        failure.versions = *versions;
    return failure;
}

Failure failure_of(const RejectedReply& body) {
    Failure failure{.kind = Failure::Kind::denied, .rejected = body.discriminant()};
    if (const auto* versions = body.get_if<RejectStatus::rpc_mismatch>())
        failure.versions = *versions;
    if (const auto* auth = body.get_if<RejectStatus::authentication_error>()) failure.auth = *auth;
    return failure;
}

}  // namespace

std::string Failure::text() const {
    const auto number = [](auto status) {
        return std::to_string(static_cast<std::uint32_t>(status));
    };
    switch (kind) {
    case Kind::transport: return system.message();
    case Kind::refused: return "refused with accept_stat " + number(accepted);
    case Kind::denied:
        return "denied with reject_stat " + number(rejected) + ", auth_stat " + number(auth);
    case Kind::undecodable: break;
    }
    return "the reply can't be decoded";
}

void throw_exception_from_error(const Failure& failure, const boost::source_location& /*where*/) {
    throw std::runtime_error(failure.text());
}

Client::Client(std::unique_ptr<Channel> channel, const ProgramId& program, ClientIdentity identity)
    : channel_(std::move(channel)),
      program_(program),
      identity_(std::move(identity)),
      xid_(std::random_device{}()) {}

void Client::begin(std::uint32_t procedure) {
    CallBody body{.rpc_version = rpc_version,
                  .program = program_.number,
                  .version = program_.version,
                  .procedure = procedure,
                  .credential = {},
                  .verifier = {}};
    std::vector<std::byte> credential;
    if (identity_.flavor == AuthFlavor::sys) {
        AuthSys sys{.machine_name = std::string_view{identity_.machine_name},
                    .uid = identity_.uid,
                    .gid = identity_.gid,
                    .gids = {}};
        sys.gids.items.assign(identity_.gids.begin(), identity_.gids.end());
        xdr::Writer encoded;
        xdr::encode(encoded, sys);
        credential = encoded.flat();
        body.credential = {AuthFlavor::sys, std::span<const std::byte>{credential}};
    }
    Message header{.xid = ++xid_, .body = {}};
    header.body = decltype(header.body)::make<MessageType::call>(body);
    message_.clear();
    xdr::encode(message_, header);
}

Answer<xdr::Reader> Client::exchange() {
    const auto reply = channel_->exchange(xid_, message_);
    if (!reply) return Failure{.kind = Failure::Kind::transport, .system = reply.error()};
    xdr::Reader in{*reply};
    Message header;
    xdr::decode(in, header);
    const auto* body = header.body.get_if<MessageType::reply>();
    if (!in.ok() || body == nullptr) return Failure{.kind = Failure::Kind::undecodable};
    if (const auto* rejected = body->get_if<ReplyStatus::denied>()) return failure_of(*rejected);
    const auto& accepted = body->get_if<ReplyStatus::accepted>()->body;
    if (accepted.discriminant() != AcceptStatus::success) return failure_of(accepted);
    return in;
}

}  // namespace berth::rpc
