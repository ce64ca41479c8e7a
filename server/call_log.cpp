#include "server/call_log.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace berth::server {
namespace {

std::string how_it_ended(rpc::Ending ending, rpc::Reply& reply) {
    if (ending == rpc::Ending::given_up) return "given up";
    if (ending == rpc::Ending::unanswered) return "no reply";
    const auto accepted = reply.accept_status();
    if (!accepted) return "denied";
    if (*accepted != rpc::AcceptStatus::success)
        return fmt::format("accept status {}", static_cast<std::uint32_t>(*accepted));
    const auto status = reply.status();
    return status ? fmt::format("status {}", *status) : "success";
}

std::string_view what_it_is(rpc::Arrival arrival) {
    switch (arrival) {
    case rpc::Arrival::to_run: return "";
    case rpc::Arrival::refused: return "refused, ";
    case rpc::Arrival::repeated: return "repeated, ";
    case rpc::Arrival::in_progress: return "in progress, ";
    }
    return "";
}

/// For a program or procedure; if it is not served, it has no name.
template <class Id>
std::string name_or_number(const Id& id) {
    return id.name.empty() ? std::to_string(id.number) : std::string{id.name};
}

}  // namespace

void CallLog::after(const rpc::Intercepted& intercepted, rpc::Ending ending, rpc::Reply& reply) {
    const auto& call = intercepted.call();
    const auto& program = call.program;
    const auto took = intercepted.ended_at() - intercepted.arrived_at();
    spdlog::trace("{} xid {:08x} {} v{} {} uid {}: {}{}, {} bytes, {} us", call.caller.text(),
                  call.xid, name_or_number(program), program.version,
                  name_or_number(call.procedure), call.credential.uid,
                  what_it_is(intercepted.arrival()), how_it_ended(ending, reply), reply.bytes(),
                  std::chrono::duration_cast<std::chrono::microseconds>(took).count());
}

}  // namespace berth::server
