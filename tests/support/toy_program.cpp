#include "tests/support/toy_program.hpp"

#include <stdexcept>

namespace berth::test::toy {

using rpc::Call;

namespace {

bool may_block(const Call& call) {
    return call.where != rpc::Where::network_thread;
}

}  // namespace

constexpr rpc::Entry<Service> Service::procedures[] = {
    rpc::on<Null, &Service::null>(),
    rpc::on<Echo, &Service::echo>(),
    rpc::on<Count, &Service::count>(),
    rpc::on<CountOnWorker, &Service::count_on_worker>(),
    rpc::on<EchoOnWorker, &Service::echo_on_worker>(),
    rpc::on<Defer, &Service::defer>(),
    rpc::on<Throw, &Service::fail>(),
    rpc::on<Produce, &Service::produce>(),
    rpc::on<ProduceDeferred, &Service::produce_deferred>(),
    rpc::on<CountLater, &Service::count_later>(),
    rpc::on<Who, &Service::who>(),
    rpc::on<CountDeferred, &Service::count_deferred>(),
    rpc::on<CountGuarded, &Service::count_guarded>(),
    rpc::on<EchoAlone, &Service::echo_on_worker>(),
};

rpc::Program Service::program(const rpc::ProgramId& id) {
    return rpc::make_program(id, *this);
}

xdr::Void Service::null(Call& /*call*/, const xdr::Void& /*args*/) {
    ++runs;
    return {};
}

Echo::Result Service::echo(Call& /*call*/, const Echo::Args& args) {
    ++runs;
    return args;
}

Count::Result Service::count(Call& /*call*/, const Count::Args& args) {
    ++runs;
    return {total += args.step};
}

Count::Result Service::count_on_worker(Call& call, const Count::Args& args) {
    gate.pass();
    return count(call, args);
}

Echo::Result Service::echo_on_worker(Call& call, const Echo::Args& args) {
    gate.pass();
    return echo(call, args);
}

Defer::Result Service::defer(Call& call, const Defer::Args& args) {
    ++runs;
    if (args.must_wait && !may_block(call)) {
        call.defer();
        return {};
    }
    if (may_block(call)) gate.pass();
    return {may_block(call)};
}

xdr::Void Service::fail(Call& /*call*/, const xdr::Void& /*args*/) {
    ++runs;
    throw std::runtime_error{"as asked"};
}

Produce::Result Service::produce(Call& call, const Produce::Args& args) {
    ++runs;
    const auto bytes = call.memory.bytes(args.size);
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i % 251);
    return {std::span<const std::byte>{bytes}};
}

Produce::Result Service::produce_deferred(Call& call, const Produce::Args& args) {
    auto made = produce(call, args);
    if (may_block(call))
        gate.pass();
    else
        call.defer();
    return made;
}

Count::Result Service::count_later(Call& call, const Count::Args& args) {
    call.forget_reply();
    return count(call, args);
}

Who::Result Service::who(Call& call, const xdr::Void& /*args*/) {
    ++runs;
    Who::Result result{.flavor = call.credential.flavor,
                       .uid = call.credential.uid,
                       .gid = call.credential.gid,
                       .gids = {},
                       .machine_name = call.credential.machine_name,
                       .caller = call.memory.copy(call.caller.text()),
                       .local = call.memory.copy(call.local.text()),
                       .over_tcp = call.transport == rpc::Transport::tcp};
    result.gids.items = call.credential.gids;
    return result;
}

Count::Result Service::count_deferred(Call& call, const Count::Args& args) {
    if (!may_block(call)) {
        call.defer();
        return {};
    }
    gate.pass();
    return count(call, args);
}

CountGuarded::Result Service::count_guarded(Call& call, const CountGuarded::Args& args) {
    const bool on_worker = call.where == rpc::Where::worker;
    if (args.may == CountGuarded::May::defer && !on_worker) {
        call.defer();
        return {};
    }
    if (args.may == CountGuarded::May::block) gate.pass();
    return {count(call, {args.step}).total, on_worker};
}

}  // namespace berth::test::toy
