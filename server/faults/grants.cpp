// Rules about GRANTED, the call that the server itself makes: they see it as a call of the client.
#include "nlm/protocol.hpp"
#include "rpc/exchange.hpp"
#include "server/faults/faults.hpp"

namespace berth::server::faults {

nlm::GrantFate Faults::fate_of(const nlm::Grant& grant) {
    if (rules().empty()) return {};
    rpc::Exchange exchange;
    auto& call = exchange.call;
    call.program = {.number = nlm::program_number, .version = grant.path.version, .name = "NLM"};
    call.procedure = nlm::Granted<nlm::Wide>::id;
    call.caller.address = grant.path.client;
    call.local.address = grant.path.local;
    call.transport = grant.path.transport;
    call.credential.machine_name = grant.request.owner.host.name;
    rpc::Interception interception;
    const rpc::Interceptors only_this{shared_from_this()};
    // It has no arguments that a rule could look at, as a call that is refused has none.
    interception.begin(only_this, exchange, 1, rpc::Arrival::refused);
    rpc::Departure departure{call.local, call.caller, call.transport, exchange.reply};
    interception.leave(departure);
    interception.end(rpc::Ending::unanswered);

    using Act = rpc::Decision::Act;
    const auto act = interception.decision.act();
    return {.is_sent = act != Act::drop && act != Act::close && act != Act::reset &&
                       departure.act == rpc::Departure::Act::send,
            .is_refused = act == Act::refuse || act == Act::deny,
            .copies = departure.copies,
            .delay = interception.decision.delay() + departure.delay};
}

}  // namespace berth::server::faults
