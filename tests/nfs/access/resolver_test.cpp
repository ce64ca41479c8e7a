// From a call to what it may touch: for every program the same.
#include "nfs/access/resolver.hpp"

#include <memory>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nfs/access/patience.hpp"
#include "nfs/vfs/memory.hpp"
#include "tests/support/known_groups.hpp"

namespace berth::access {
namespace {

using ::testing::ElementsAre;

using rpc::Where;

constexpr auto everywhere = {Where::network_thread, Where::section, Where::worker};

/// Exports /tree (its changes are on disk before a reply), and /fast (they are not).
class ResolverTest : public ::testing::Test {
protected:
    ResolverTest() {
        call.caller = {.address = *rpc::Address::parse("192.0.2.7"), .port = 700};
        call.credential.flavor = rpc::AuthFlavor::sys;
        call.credential.uid = 1000;
        call.credential.gid = 100;
        call.credential.gids.push_back(7);
    }
    std::vector<exports::Export> exported() {
        exports::Options fast;
        fast.sync = false;
        std::vector<exports::Export> all;
        all.push_back(exports::make_export("/tree", tree));
        all.push_back(exports::make_export("/fast", tree, fast));
        return all;
    }
    exports::Handle root_of(std::size_t at) {
        return sealer.seal(table.pin()->all()[at].id, tree->root().value()->id());
    }
    /// The call as it comes there.
    void come_to(Where where) {
        call.where = where;
        call.deferred = call.reply_forgotten = false;
    }

    std::shared_ptr<vfs::FileSystem> tree = vfs::memory::make();
    test::KnownGroups directory{{{1000, {1, 2}}}};
    exports::Exports table{exported()};
    exports::HandleSealer sealer{exports::HandleKey::random()};
    rpc::Arena memory;
    rpc::Call call{memory};
};

TEST_F(ResolverTest, AHandleLeadsToAnObjectAndACaller) {
    const Resolver resolver{table, sealer};
    const auto target = resolver.open(call, root_of(0).bytes());
    ASSERT_TRUE(target);
    EXPECT_EQ(target->node, tree->root().value());
    EXPECT_EQ(target->exported->path, "/tree");
    EXPECT_EQ(target->caller.identity.uid, 1000U);
    EXPECT_THAT(target->caller.identity.groups, ElementsAre(7));
    EXPECT_EQ(target->caller.patience, vfs::Patience::ample);
    const auto sealed = resolver.seal(call, *target->exported, target->node->id(), {});
    EXPECT_EQ(exports::Handle{sealed}, root_of(0));
}

TEST_F(ResolverTest, MadeUpHandlesLeadNowhere) {
    const Resolver resolver{table, sealer};
    const exports::HandleSealer other{exports::HandleKey::random()};
    const auto id = table.pin()->all()[0].id;
    const auto forged = other.seal(id, tree->root().value()->id());
    EXPECT_EQ(resolver.open(call, forged.bytes()).error(), vfs::bad_handle);
    const auto senseless = sealer.seal(id, {});
    EXPECT_EQ(resolver.open(call, senseless.bytes()).error(), vfs::stale);
    const auto elsewhere = sealer.seal(exports::ExportId{4711}, tree->root().value()->id());
    EXPECT_EQ(resolver.open(call, elsewhere.bytes()).error(), vfs::stale);
}

TEST_F(ResolverTest, ACallThatHasWaitedTooLongTouchesNothing) {
    const Resolver resolver{table, sealer};
    call.is_late = true;
    EXPECT_EQ(resolver.open(call, root_of(0).bytes()).error(), vfs::would_block);
    EXPECT_FALSE(call.deferred);
}

TEST_F(ResolverTest, AChangeThatMustBeOnDiskIsLeftToAWorker) {
    const Resolver resolver{table, sealer};
    come_to(Where::section);
    EXPECT_FALSE(resolver.open_to_change(call, root_of(0).bytes()));
    EXPECT_TRUE(call.deferred);
    come_to(Where::section);
    EXPECT_TRUE(resolver.open_to_change(call, root_of(1).bytes())) << "nothing need be on disk";
    EXPECT_FALSE(call.deferred);
    come_to(Where::worker);
    EXPECT_TRUE(resolver.open_to_change(call, root_of(0).bytes()));
    EXPECT_FALSE(call.deferred);
}

TEST_F(ResolverTest, OnlyAWorkerWaitsToLearnGroups) {
    exports::UserGroups groups{directory, {}};
    const exports::Exports managed{exported(), nullptr, {}, &groups};
    const Resolver resolver{managed, sealer};
    for (const auto where : {Where::network_thread, Where::section}) {
        directory.is_silent = true;
        come_to(where);
        EXPECT_EQ(resolver.open(call, root_of(0).bytes()).error(), vfs::would_block);
        EXPECT_TRUE(call.deferred);
        EXPECT_FALSE(call.reply_forgotten);
    }
    come_to(Where::worker);
    EXPECT_EQ(resolver.open(call, root_of(0).bytes()).error(), vfs::would_block);
    EXPECT_FALSE(call.deferred);
    EXPECT_TRUE(call.reply_forgotten) << "it is to be asked again";
}

TEST_F(ResolverTest, GroupsThatTheServerKnowsTakeThePlaceOfTheClaimedOnes) {
    exports::UserGroups groups{directory, {}};
    const exports::Exports managed{exported(), nullptr, {}, &groups};
    const Resolver resolver{managed, sealer};
    const auto target = resolver.open(call, root_of(0).bytes());
    ASSERT_TRUE(target);
    EXPECT_THAT(target->caller.identity.groups, ElementsAre(1, 2));
}

TEST(Patience, ComesFromWhereTheCallRuns) {
    rpc::Arena memory;
    rpc::Call call{memory};
    std::vector<vfs::Patience> patiences;
    for (const auto where : everywhere) {
        call.where = where;
        patiences.push_back(patience_of(call));
    }
    EXPECT_THAT(patiences,
                ElementsAre(vfs::Patience::none, vfs::Patience::brief, vfs::Patience::ample));
    call.is_late = true;
    EXPECT_EQ(patience_of(call), vfs::Patience::none) << "on a worker, but too late";
}

TEST(Patience, OfNoneDefersWhatWouldBlock) {
    rpc::Arena memory;
    for (const auto where : everywhere) {
        rpc::Call call{memory};
        call.where = where;
        EXPECT_FALSE(defer_if_blocked(call, std::errc::io_error));
        EXPECT_EQ(defer_if_blocked(call, vfs::would_block), where == Where::network_thread);
        EXPECT_EQ(call.deferred, where == Where::network_thread);
    }
}

}  // namespace
}  // namespace berth::access
