// What the log says about clients whose calls an export refuses.
#include "nfs/access/refused_calls.hpp"

#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nfs/access/resolver.hpp"
#include "nfs/exports/file.hpp"
#include "nfs/vfs/memory.hpp"
#include "tests/support/logged.hpp"

namespace berth::access {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::StartsWith;

class RefusedCalls : public ::testing::Test {
protected:
    void export_all(const std::string& text) {
        const auto list = exports::parse_exports(text, "exports");
        for (const auto& problem : list.problems) ADD_FAILURE() << problem.text();
        std::vector<exports::Export> all;
        for (const auto& listed : list.exports)
            all.push_back(exports::make_export(listed.path, tree, listed.clients));
        table.replace(std::move(all));
    }
    /// What one call with this handle has logged.
    std::vector<std::string> said(const exports::Handle& handle, std::uint16_t port = 700,
                                  rpc::AuthFlavor flavor = rpc::AuthFlavor::sys) {
        const test::Logged logged;
        rpc::Arena memory;
        rpc::Call call{memory};
        call.caller = {.address = *rpc::Address::parse("192.0.2.7"), .port = port};
        call.credential.flavor = flavor;
        static_cast<void>(resolver.open(call, handle.bytes()));
        static_cast<void>(resolver.admit(call, handle.bytes()));
        auto lines = logged.lines();
        if (lines.size() % 2 != 0) ADD_FAILURE() << "both say the same";
        lines.resize(lines.size() / 2);
        return lines;
    }
    exports::Handle root(exports::ExportId id) {
        return sealer.seal(id, tree->root().value()->id());
    }
    exports::Handle root() { return root(table.pin()->all()[0].id); }

    std::shared_ptr<vfs::FileSystem> tree = vfs::memory::make();
    exports::Exports table;
    exports::HandleSealer sealer{exports::HandleKey::random()};
    Resolver resolver{table, sealer};
};

TEST_F(RefusedCalls, WhoeverMayCallIsNotMentioned) {
    export_all("/srv *\n");
    EXPECT_THAT(said(root()), IsEmpty());
}

TEST_F(RefusedCalls, AHighPortIsNamedWithTheOptionThatAllowsIt) {
    export_all("/srv 192.0.2.0/24\n");
    EXPECT_THAT(said(root(), 40000),
                ElementsAre("warning: calls of 192.0.2.7 to /srv are refused: the entry "
                            "192.0.2.0/24 of /srv (exports:1:6) wants ports below 1024, and they "
                            "come from port 40000; insecure would allow others"));
}

TEST_F(RefusedCalls, AClientThatIsNoLongerMeantIsToldWhereToBeAdded) {
    export_all("/srv 192.0.2.9\n");
    EXPECT_THAT(said(root()),
                ElementsAre("warning: calls of 192.0.2.7 to /srv are refused: no entry is for this "
                            "client; add it to /srv in exports, and send SIGHUP"));
}

TEST_F(RefusedCalls, CallersWithoutAUserAreToldWhichFlavourWouldDo) {
    export_all("/srv *(sec=sys)\n");
    EXPECT_THAT(said(root()), IsEmpty());
    EXPECT_THAT(said(root(), 700, rpc::AuthFlavor::none),
                ElementsAre("warning: calls of 192.0.2.7 to /srv are refused: they come without a "
                            "user (AUTH_NONE), and the entry * of /srv (exports:1:6) has sec=sys; "
                            "sec=sys:none would allow them"));
}

TEST_F(RefusedCalls, HandlesOfAnExportThatIsGoneAreSaidSo) {
    export_all("/srv *\n");
    const auto before = root();
    export_all("/other *\n");
    EXPECT_THAT(said(before),
                ElementsAre(StartsWith("warning: 192.0.2.7 uses file handles of an export that is "
                                       "not there (number ")));
    EXPECT_THAT(said(root()), IsEmpty());
}

TEST_F(RefusedCalls, HandlesOfAnotherKeyAreSaidSo) {
    export_all("/srv *\n");
    const exports::HandleSealer other{exports::HandleKey::random()};
    EXPECT_THAT(said(other.seal(table.pin()->all()[0].id, tree->root().value()->id())),
                ElementsAre("warning: 192.0.2.7 uses file handles that this server has not made, "
                            "or has made with another key (see --state); unmount and mount there"));
}

TEST_F(RefusedCalls, AClientThatNobodyKnowsYetComesLaterAndIsNotMentioned) {
    export_all("/srv *.lab.example *(rw)\n");
    EXPECT_THAT(said(root()), IsEmpty());
}

// An object that is gone is everyday life.
TEST_F(RefusedCalls, AStaleObjectIsNotMentioned) {
    export_all("/srv *\n");
    EXPECT_THAT(said(sealer.seal(table.pin()->all()[0].id, {})), IsEmpty());
}

// Where an export below another one is not for a client, the client does not learn of it, and the
// log need not either.
TEST_F(RefusedCalls, WhatStaysHiddenIsNotMentioned) {
    export_all("/srv *\n/srv/inner 192.0.2.9\n");
    const test::Logged logged;
    rpc::Arena memory;
    rpc::Call call{memory};
    call.caller = {.address = *rpc::Address::parse("192.0.2.7"), .port = 700};
    call.credential.flavor = rpc::AuthFlavor::sys;
    EXPECT_FALSE(resolver.admit(call, table.pin()->all()[1].id));
    EXPECT_THAT(logged.lines(), IsEmpty());
}

}  // namespace
}  // namespace berth::access
