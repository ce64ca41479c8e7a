// A lock server in one process, and clients that it calls back: real calls as bytes through real
// dispatchers, over a tree in RAM. No socket, no thread; callbacks run when the test says so.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "nfs/exports/exports.hpp"
#include "nfs/vfs/memory.hpp"
#include "nlm/callbacks.hpp"
#include "nlm/cookie.hpp"
#include "nlm/grant_calls.hpp"
#include "nlm/locking.hpp"
#include "nlm/nsm_service.hpp"
#include "nlm/recovery.hpp"
#include "nlm/service.hpp"
#include "rpc/client.hpp"
#include "rpc/dispatcher.hpp"
#include "tests/support/loopback.hpp"

namespace berth::nlm {

inline void PrintTo(Status status, std::ostream* out) {
    *out << "status " << static_cast<std::uint32_t>(status);
}
inline void PrintTo(NarrowStatus status, std::ostream* out) {
    *out << "status " << static_cast<std::uint32_t>(status);
}

namespace test {

/// The bytes of texts, which outlive them.
inline std::span<const std::byte> bytes(std::string_view text) {
    return std::as_bytes(std::span{text});
}
inline std::string text(std::span<const std::byte> data) {
    return {reinterpret_cast<const char*>(data.data()), data.size()};
}

/// What a client's lock manager and status monitor were called for, and what they answer.
template <class V>
class ClientSide {
public:
    struct Heard {
        std::string procedure;
        std::string cookie;
        typename V::Status status{};
        std::string caller_name;
        std::string file;
        std::string owner;
        std::int32_t svid = 0;
        typename V::Offset offset = 0;
        typename V::Offset length = 0;
        bool exclusive = false;
    };
    std::vector<Heard> heard;
    typename V::Status answer = V::Status::granted;

    xdr::Void null(rpc::Call&, const xdr::Void&) { return {}; }
    Response<V> granted(rpc::Call&, const TestArgs<V>& args) {
        hear("GRANTED", args);
        return {args.cookie, answer};
    }
    xdr::Void granted_message(rpc::Call&, const TestArgs<V>& args) {
        hear("GRANTED_MSG", args);
        return {};
    }
    xdr::Void test_result(rpc::Call&, const TestResponse<V>& args) {
        Heard one{.procedure = "TEST_RES", .cookie = text(args.cookie.bytes())};
        one.status = args.reply.discriminant();
        if (const auto* holder = args.reply.template get_if<V::Status::denied>()) {
            one.owner = text(holder->owner.bytes());
            one.svid = holder->svid;
            one.offset = holder->offset;
            one.length = holder->length;
            one.exclusive = holder->exclusive;
        }
        heard.push_back(one);
        return {};
    }
    xdr::Void result(rpc::Call& call, const Response<V>& args) {
        heard.push_back({.procedure = std::string{call.procedure.name},
                         .cookie = text(args.cookie.bytes()),
                         .status = args.status});
        return {};
    }

    static const std::array<rpc::Entry<ClientSide>, 8> procedures;

private:
    void hear(std::string procedure, const TestArgs<V>& args) {
        heard.push_back({.procedure = std::move(procedure),
                         .cookie = text(args.cookie.bytes()),
                         .caller_name = std::string{args.lock.caller_name.view()},
                         .file = text(args.lock.file.bytes()),
                         .owner = text(args.lock.owner.bytes()),
                         .svid = args.lock.svid,
                         .offset = args.lock.offset,
                         .length = args.lock.length,
                         .exclusive = args.exclusive});
    }
};

template <class V>
const std::array<rpc::Entry<ClientSide<V>>, 8> ClientSide<V>::procedures{
    rpc::on<rpc::Null, &ClientSide::null>(),
    rpc::on<Granted<V>, &ClientSide::granted>(),
    rpc::on<GrantedMessage<V>, &ClientSide::granted_message>(),
    rpc::on<TestResult<V>, &ClientSide::test_result>(),
    rpc::on<LockResult<V>, &ClientSide::result>(),
    rpc::on<CancelResult<V>, &ClientSide::result>(),
    rpc::on<UnlockResult<V>, &ClientSide::result>(),
    rpc::on<GrantedResult<V>, &ClientSide::result>(),
};

/// The NSM of a client.
class NoticedSide {
public:
    std::vector<std::pair<std::string, std::int32_t>> notices;
    xdr::Void null(rpc::Call&, const xdr::Void&) { return {}; }
    xdr::Void notify(rpc::Call&, const nsm::Notify::Args& args) {
        notices.emplace_back(args.host.view(), args.state);
        return {};
    }
    std::int32_t state = 0;  ///< its own number
    int asked = 0;           ///< so often for it
    nsm::StatusResult stat(rpc::Call&, const nsm::Name&) {
        ++asked;
        return {nsm::Outcome::failure, state};
    }
    static constexpr std::array<rpc::Entry<NoticedSide>, 3> procedures{
        rpc::on<rpc::Null, &NoticedSide::null>(),
        rpc::on<nsm::Stat, &NoticedSide::stat>(),
        rpc::on<nsm::Notify, &NoticedSide::notify>(),
    };
};

/// A program that watches hosts through the server's NSM: what it was told.
class WatcherSide {
public:
    static constexpr rpc::ProgramId id{200048, 1, "WATCHER"};
    struct Told {
        static constexpr rpc::ProcedureId id{16, "TOLD"};
        using Args = nsm::HostStatus;
        using Result = xdr::Void;
    };
    struct Heard {
        std::string host;
        std::int32_t state = 0;
        std::array<std::byte, 16> cookie{};
        bool operator==(const Heard&) const = default;
    };
    std::vector<Heard> heard;
    xdr::Void null(rpc::Call&, const xdr::Void&) { return {}; }
    xdr::Void told(rpc::Call&, const nsm::HostStatus& status) {
        heard.push_back({std::string{status.host.view()}, status.state, status.cookie});
        return {};
    }
    static constexpr std::array<rpc::Entry<WatcherSide>, 2> procedures{
        rpc::on<rpc::Null, &WatcherSide::null>(),
        rpc::on<Told, &WatcherSide::told>(),
    };
};

/// `V`: of the client that is called back.
template <class V>
class LockServer {
public:
    /// `before_restart`: who held locks; then there is a grace period.
    explicit LockServer(std::vector<Host> before_restart = {}, const LockLimits& limits = {},
                        exports::UserGroups* groups = nullptr)
        : exports({}, nullptr, {}, groups),
          table(limits, grants),
          grace(std::chrono::seconds{45}, {.hosts = std::move(before_restart)},
                [this] { return now; }) {
        std::vector<exports::Export> made;
        made.push_back(exports::make_export("/tree", files, {.squash = exports::Squash::none}));
        made.push_back(exports::make_export("/readonly", files,
                                            {.read_only = true, .squash = exports::Squash::none}));
        made.push_back(exports::make_export("/squashed", files, {.squash = exports::Squash::root}));
        exports.replace(std::move(made));
        auto first = rpc::make_program(id1, narrow);
        auto second = rpc::make_program(id2, narrow);
        for (auto* program : {&first, &second}) program->procedures.resize(16);
        dispatcher.add(std::move(first));
        dispatcher.add(std::move(second));
        dispatcher.add(rpc::make_program(id3, narrow));
        dispatcher.add(rpc::make_program(id4, wide));
        dispatcher.add(rpc::make_program(nsm::id1, nsm_service));
        for (std::uint32_t version = 1; version <= 4; ++version)
            client_dispatcher.add(rpc::make_program(
                {.number = program_number, .version = version, .name = "NLM"}, client_side));
        client_dispatcher.add(rpc::make_program(nsm::id1, client_nsm));
        client_dispatcher.add(rpc::make_program(WatcherSide::id, watcher));
    }

    /// A client of the server that calls from this address.
    std::unique_ptr<rpc::Client> client(const rpc::ProgramId& program,
                                        const char* address = "192.0.2.7", std::uint16_t port = 700,
                                        rpc::Transport transport = rpc::Transport::tcp) {
        auto channel = std::make_unique<berth::test::Loopback>(dispatcher);
        channel->from = {*rpc::Address::parse(address), port};
        channel->transport = transport;
        return std::make_unique<rpc::Client>(std::move(channel), program,
                                             rpc::ClientIdentity{.flavor = rpc::AuthFlavor::sys,
                                                                 .uid = 1000,
                                                                 .gid = 1000,
                                                                 .gids = {},
                                                                 .machine_name = "client"});
    }

    /// The handle of a file, made when first asked for.
    std::string handle(const std::string& name, std::string_view path = "/tree",
                       std::uint32_t mode = 0666) {
        const auto root = files->root().value();
        auto node = root->lookup({}, name);
        if (!node) node = root->create({}, name, {.attributes = {.mode = mode}});
        return text(
            sealer.seal(exports.pin()->matches(path).front().found->id, (*node)->id()).bytes());
    }

    /// Every callback that is due now.
    void run_callbacks() {
        const auto until = Callbacks::Clock::now() + later;
        for (auto next = callbacks.run_one(until); next && *next <= until;)
            next = callbacks.run_one(until);
    }

    std::shared_ptr<vfs::FileSystem> files = vfs::memory::make({});
    exports::Exports exports;
    exports::HandleSealer sealer{exports::HandleKey::random()};

    ClientSide<V> client_side;
    NoticedSide client_nsm;
    WatcherSide watcher;
    rpc::Dispatcher client_dispatcher;
    bool is_client_reachable = true;
    std::vector<std::pair<ReturnPath, rpc::ProgramId>> connections;
    std::chrono::seconds later{0};
    Grace::Clock::time_point now = Grace::Clock::now();
    int contentions = 0;

    Callbacks callbacks{[this](const ReturnPath& path,
                               const rpc::ProgramId& program) -> std::unique_ptr<rpc::Client> {
        connections.emplace_back(path, program);
        if (!is_client_reachable) return {};
        return std::make_unique<rpc::Client>(
            std::make_unique<berth::test::Loopback>(client_dispatcher), program);
    }};
    GrantCalls grants{callbacks, [this] { ++contentions; }};
    LockTable table;
    MonitorList monitored{nullptr};
    Watches watches{nullptr,
                    {.boot = "first",
                     .resolve =
                         [](const std::string& name) {
                             std::vector<rpc::Address> known;
                             if (name == "peer.example")
                                 known.push_back(*rpc::Address::parse("192.0.2.30"));
                             return known;
                         }},
                    callbacks};
    Grace grace;
    Recovery recovery{table, monitored, watches, grace, callbacks, "server.example"};
    Locking locking{exports, sealer, table, grace, monitored};
    Service<Narrow> narrow{locking, callbacks, recovery};
    Service<Wide> wide{locking, callbacks, recovery};
    nsm::Service nsm_service{recovery, watches};
    rpc::Dispatcher dispatcher;
};

}  // namespace test
}  // namespace berth::nlm
