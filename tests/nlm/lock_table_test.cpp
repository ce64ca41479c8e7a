// The lock table, case by case. The random ones are in lock_table_model_test.cpp.
#include "nlm/lock_table.hpp"

#include <atomic>
#include <condition_variable>
#include <future>
#include <mutex>
#include <set>
#include <thread>

#include <gmock/gmock.h>

#include "tests/nlm/table_fixture.hpp"
#include "tests/support/gate.hpp"

namespace berth::nlm::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Answer = LockTable::Answer;

TEST_F(LockTableTest, OwnersAreToldApartByAddressNameSvidAndHandle) {
    ASSERT_EQ(lock(owner(1), whole), Answer::granted);
    auto other = owner(1);
    other.svid = 2;
    EXPECT_EQ(lock(other, whole), Answer::denied);
    other = owner(1);
    other.handle = "another";
    EXPECT_EQ(lock(other, whole), Answer::denied);
    other = owner(1);
    other.host.name = "client2";
    EXPECT_EQ(lock(other, whole), Answer::denied);
    other = owner(1);
    other.host.address = host(2).address;
    EXPECT_EQ(lock(other, whole), Answer::denied) << "a name proves nothing";
    unlock(other, whole.range);
    EXPECT_EQ(lock(owner(2), whole), Answer::denied) << "it unlocked nothing";
    EXPECT_EQ(lock(owner(1), whole), Answer::granted) << "again is no conflict";
}

TEST_F(LockTableTest, WaitersAreServedInTheOrderOfAsking) {
    ASSERT_EQ(lock(owner(1), exclusive(0, 9)), Answer::granted);
    EXPECT_EQ(lock_or_wait(owner(2), exclusive(0, 9)), Answer::blocked);
    EXPECT_EQ(lock_or_wait(owner(3), shared(0, 4)), Answer::blocked);
    EXPECT_EQ(lock_or_wait(owner(4), shared(5, 9)), Answer::blocked);
    EXPECT_THAT(served(), IsEmpty());
    unlock(owner(1), {0, 9});
    EXPECT_THAT(served(), ElementsAre(owner(2)));
    unlock(owner(2), {0, 9});
    EXPECT_THAT(served(), ElementsAre(owner(3), owner(4)));
}

TEST_F(LockTableTest, ReadersDoNotPassAWaitingWriterAndTriesDo) {
    ASSERT_EQ(lock(owner(1), shared(0, 9)), Answer::granted);
    ASSERT_EQ(lock_or_wait(owner(2), exclusive(0, 9)), Answer::blocked);
    EXPECT_EQ(lock_or_wait(owner(3), shared(0, 9)), Answer::blocked);
    EXPECT_EQ(lock(owner(4), shared(0, 9)), Answer::granted) << "what can be had now is not denied";
    unlock(owner(4), {0, 9});
    unlock(owner(1), {0, 9});
    EXPECT_THAT(served(), ElementsAre(owner(2)));
}

TEST_F(LockTableTest, WhoHoldsWhatTheWaiterNeedsIsNotMadeToWaitForHim) {
    ASSERT_EQ(lock(owner(1), shared(0, 9)), Answer::granted);
    ASSERT_EQ(lock_or_wait(owner(2), exclusive(0, 9)), Answer::blocked);
    EXPECT_EQ(lock_or_wait(owner(1), exclusive(0, 9)), Answer::granted);
}

TEST_F(LockTableTest, TheSameRequestAgainIsOneWait) {
    ASSERT_EQ(lock(owner(1), whole), Answer::granted);
    EXPECT_EQ(lock_or_wait(owner(2), whole), Answer::blocked);
    EXPECT_EQ(lock_or_wait(owner(2), whole), Answer::blocked);
    unlock(owner(1), whole.range);
    EXPECT_THAT(served(), ElementsAre(owner(2)));
    EXPECT_EQ(lock_or_wait(owner(2), whole), Answer::granted) << "asked again, it has it";
    unlock(owner(2), whole.range);
    EXPECT_THAT(served(), IsEmpty());
    EXPECT_THAT(table.all(), IsEmpty());
}

TEST_F(LockTableTest, AskingAgainAcknowledgesTheGrant) {
    ASSERT_EQ(lock(owner(1), whole), Answer::granted);
    ASSERT_EQ(lock_or_wait(owner(2), whole), Answer::blocked);
    unlock(owner(1), whole.range);
    ASSERT_EQ(told.grants.size(), 1U);
    const auto id = told.grants[0].id;
    EXPECT_TRUE(table.is_pending(id));
    EXPECT_EQ(lock_or_wait(owner(2), whole), Answer::granted);
    EXPECT_FALSE(table.is_pending(id));
    table.refuse(id, host(2).address);
    EXPECT_EQ(lock(owner(3), whole), Answer::denied) << "a refusal that comes late does no harm";
}

TEST_F(LockTableTest, ARefusedGrantGoesToTheNext) {
    ASSERT_EQ(lock(owner(1), whole), Answer::granted);
    ASSERT_EQ(lock_or_wait(owner(2), whole), Answer::blocked);
    ASSERT_EQ(lock_or_wait(owner(3), whole), Answer::blocked);
    unlock(owner(1), whole.range);
    const auto id = told.grants.at(0).id;
    table.refuse(id, host(3).address);
    EXPECT_TRUE(table.is_pending(id)) << "only the client itself refuses";
    table.refuse(id, host(2).address);
    EXPECT_THAT(served(), ElementsAre(owner(2), owner(3)));
    table.refuse(id, host(2).address);
    table.refuse(id + 1000, host(2).address);
    EXPECT_EQ(lock(owner(4), whole), Answer::denied) << "replayed or made up, ids do no harm";
}

TEST_F(LockTableTest, ARefusedUpgradeRestoresWhatWasHeld) {
    ASSERT_EQ(lock(owner(1), shared(0, 9)), Answer::granted);
    ASSERT_EQ(lock(owner(2), shared(5, 30)), Answer::granted);
    ASSERT_EQ(lock_or_wait(owner(1), exclusive(0, 19)), Answer::blocked);
    unlock(owner(2), {0, 30});
    ASSERT_EQ(told.grants.size(), 1U);
    table.refuse(told.grants[0].id, host(1).address);
    EXPECT_EQ(lock(owner(3), exclusive(10, 19)), Answer::granted);
    EXPECT_EQ(lock(owner(3), exclusive(9, 9)), Answer::denied);
    EXPECT_EQ(lock(owner(3), shared(0, 9)), Answer::granted);
}

TEST_F(LockTableTest, AGrantIsOutOfDateWhenItsOwnerHasUnlockedMore) {
    ASSERT_EQ(lock(owner(1), exclusive(0, 9)), Answer::granted);
    ASSERT_EQ(lock_or_wait(owner(2), exclusive(0, 9)), Answer::blocked);
    unlock(owner(1), {0, 9});
    const auto id = told.grants.at(0).id;
    unlock(owner(2), whole.range);
    EXPECT_FALSE(table.is_pending(id));
    ASSERT_EQ(lock(owner(2), exclusive(0, 4)), Answer::granted);
    table.refuse(id, host(2).address);
    EXPECT_EQ(lock(owner(3), exclusive(4, 4)), Answer::denied) << "locked after the grant";
}

TEST_F(LockTableTest, AGrantIsOutOfDateWhenItsOwnerHasLessThanThat) {
    ASSERT_EQ(lock(owner(1), exclusive(0, 9)), Answer::granted);
    ASSERT_EQ(lock_or_wait(owner(2), exclusive(0, 9)), Answer::blocked);
    unlock(owner(1), {0, 9});
    auto id = told.grants.at(0).id;
    unlock(owner(2), {0, 4});
    EXPECT_FALSE(table.is_pending(id)) << "told now, the client would believe it has all";

    ASSERT_EQ(lock(owner(1), shared(0, 4)), Answer::granted);
    ASSERT_EQ(lock_or_wait(owner(2), exclusive(0, 9)), Answer::blocked);
    unlock(owner(1), {0, 4});
    id = told.grants.at(1).id;
    ASSERT_EQ(lock(owner(2), shared(5, 19)), Answer::granted);
    EXPECT_FALSE(table.is_pending(id)) << "downgraded in part";
}

TEST_F(LockTableTest, ARefusalTakesBackNothingLockedAfterTheGrant) {
    ASSERT_EQ(lock(owner(1), exclusive(0, 9)), Answer::granted);
    ASSERT_EQ(lock_or_wait(owner(2), exclusive(0, 9)), Answer::blocked);
    unlock(owner(1), {0, 9});
    const auto id = told.grants.at(0).id;
    ASSERT_EQ(lock(owner(2), exclusive(5, 19)), Answer::granted);
    EXPECT_TRUE(table.is_pending(id)) << "it has all that it was granted";
    table.refuse(id, host(2).address);
    EXPECT_EQ(lock(owner(3), exclusive(5, 5)), Answer::denied);
    EXPECT_EQ(lock(owner(3), exclusive(0, 4)), Answer::granted);
}

TEST_F(LockTableTest, CancelEndsWaitingAndLeavesWhatIsGranted) {
    ASSERT_EQ(lock(owner(1), whole), Answer::granted);
    EXPECT_FALSE(table.cancel(request(owner(2), whole))) << "never asked for";
    ASSERT_EQ(lock_or_wait(owner(2), whole), Answer::blocked);
    EXPECT_TRUE(table.cancel(request(owner(2), whole)));
    unlock(owner(1), whole.range);
    EXPECT_THAT(served(), IsEmpty());

    ASSERT_EQ(lock(owner(1), whole), Answer::granted);
    ASSERT_EQ(lock_or_wait(owner(2), whole), Answer::blocked);
    unlock(owner(1), whole.range);
    const auto id = told.grants.at(0).id;
    EXPECT_FALSE(table.cancel(request(owner(2), whole))) << "too late: granted";
    EXPECT_FALSE(table.is_pending(id)) << "who cancels knows without being told";
    EXPECT_EQ(lock(owner(3), whole), Answer::denied);
    unlock(owner(2), whole.range);
    EXPECT_EQ(lock(owner(3), whole), Answer::granted);
}

TEST_F(LockTableTest, CancelLetsThoseThroughWhoQueuedBehind) {
    ASSERT_EQ(lock(owner(1), shared(0, 9)), Answer::granted);
    ASSERT_EQ(lock_or_wait(owner(2), exclusive(0, 9)), Answer::blocked);
    ASSERT_EQ(lock_or_wait(owner(3), shared(0, 9)), Answer::blocked);
    EXPECT_TRUE(table.cancel(request(owner(2), exclusive(0, 9))));
    EXPECT_THAT(served(), ElementsAre(owner(3)));
}

TEST_F(LockTableTest, UnlockingEndsWaitingForTheSameRange) {
    ASSERT_EQ(lock(owner(1), whole), Answer::granted);
    ASSERT_EQ(lock_or_wait(owner(2), whole), Answer::blocked);
    unlock(owner(2), whole.range);
    unlock(owner(1), whole.range);
    EXPECT_THAT(served(), IsEmpty());
}

TEST_F(LockTableTest, ADowngradeServesReaders) {
    ASSERT_EQ(lock(owner(1), exclusive(0, 9)), Answer::granted);
    ASSERT_EQ(lock_or_wait(owner(2), shared(0, 9)), Answer::blocked);
    ASSERT_EQ(lock(owner(1), shared(0, 9)), Answer::granted);
    EXPECT_THAT(served(), ElementsAre(owner(2)));
}

TEST_F(LockTableTest, TestNamesWhoIsInTheWay) {
    ASSERT_EQ(lock(owner(1, 77), exclusive(10, 19)), Answer::granted);
    EXPECT_FALSE(table.test(request(owner(2), exclusive(0, 9)), open()).value());
    EXPECT_FALSE(table.test(request(owner(1, 77), exclusive(0, 99)), open()).value());
    const auto holder = table.test(request(owner(2), shared(0, 99)), open()).value();
    ASSERT_TRUE(holder);
    EXPECT_EQ(holder->held, exclusive(10, 19));
    EXPECT_EQ(holder->svid, 77);
    EXPECT_EQ(holder->owner_handle, "oh");
    EXPECT_EQ(table.all().size(), 1U) << "asking leaves nothing behind";
}

TEST_F(LockTableTest, LocksOfOthersOnTheFileAreNoticedWhenTheyGo) {
    auto local = node("f")->open_locks({}).value();
    ASSERT_TRUE(local->lock(exclusive(0, 9)).value());
    EXPECT_EQ(lock(owner(1), exclusive(0, 0)), Answer::denied);
    EXPECT_EQ(told.contentions, 0) << "nobody waits";
    EXPECT_EQ(lock_or_wait(owner(1), exclusive(0, 0)), Answer::blocked);
    EXPECT_EQ(told.contentions, 1);
    const auto holder = table.test(request(owner(2), shared(0, 99)), open()).value();
    ASSERT_TRUE(holder);
    EXPECT_EQ(holder->held, exclusive(0, 9));
    EXPECT_TRUE(table.retry());
    EXPECT_THAT(served(), IsEmpty());
    local.reset();
    EXPECT_FALSE(table.retry());
    EXPECT_THAT(served(), ElementsAre(owner(1)));
}

TEST_F(LockTableTest, FreeingAHostLetsItsWaitersGoAndServesOthers) {
    ASSERT_EQ(lock(owner(1), exclusive(0, 9)), Answer::granted);
    ASSERT_EQ(lock(owner(1), exclusive(0, 9), "g"), Answer::granted);
    ASSERT_EQ(lock_or_wait(owner(2), exclusive(0, 9)), Answer::blocked);
    ASSERT_EQ(lock_or_wait(owner(1, 2), exclusive(0, 9)), Answer::blocked);
    ASSERT_EQ(table.share("f", {.owner = owner(1), .mode = 1, .access = 1}), Answer::granted);
    EXPECT_THAT(table.hosts(), ElementsAre(host(1), host(2)));
    EXPECT_EQ(table.free([](const Owner& which, const Taken&) { return which.host == host(1); }),
              3U);
    EXPECT_THAT(served(), ElementsAre(owner(2)));
    EXPECT_THAT(table.hosts(), ElementsAre(host(2)));
    unlock(owner(2), {0, 9});
    EXPECT_THAT(table.hosts(), IsEmpty());
    EXPECT_EQ(table.file_count(), 0U);
}

TEST_F(LockTableTest, SharesExcludeByModeAndAccess) {
    constexpr std::uint32_t read = 1;
    constexpr std::uint32_t write = 2;
    EXPECT_EQ(table.share("f", {.owner = owner(1), .mode = write, .access = read}),
              Answer::granted);
    EXPECT_EQ(table.share("f", {.owner = owner(2), .mode = 0, .access = write}), Answer::denied)
        << "it denies writing";
    EXPECT_EQ(table.share("f", {.owner = owner(2), .mode = read, .access = 0}), Answer::denied)
        << "it reads";
    EXPECT_EQ(table.share("f", {.owner = owner(2), .mode = 0, .access = read}), Answer::granted);
    EXPECT_EQ(table.share("f", {.owner = owner(1), .mode = 0, .access = read}), Answer::granted)
        << "in place of the first";
    EXPECT_EQ(table.share("f", {.owner = owner(3), .mode = 0, .access = write}), Answer::granted);
    EXPECT_TRUE(table.unshare("f", owner(3), true));
    EXPECT_TRUE(table.unshare("f", owner(3), true));
    EXPECT_EQ(table.share("f", {.owner = owner(2), .mode = write, .access = read}),
              Answer::granted);
}

TEST_F(LockTableTest, WhoMayNotOpenTheFileLearnsNothing) {
    const auto refuse = [] {
        return vfs::Result<std::unique_ptr<vfs::FileLocks>>{std::errc::permission_denied};
    };
    ASSERT_EQ(lock(owner(1), whole), Answer::granted);
    EXPECT_EQ(table.lock(request(owner(2), whole), refuse).error(), std::errc::permission_denied);
    EXPECT_EQ(table.test(request(owner(2), whole), refuse).error(), std::errc::permission_denied);
}

TEST_F(LockTableTest, NothingIsKnownOfAFileThatNobodyHasAnythingOn) {
    ASSERT_EQ(lock(owner(1), whole, "locked"), Answer::granted);
    ASSERT_EQ(lock(owner(1), whole, "waited for"), Answer::granted);
    ASSERT_EQ(lock_or_wait(owner(2), whole, "waited for"), Answer::blocked);
    ASSERT_EQ(lock(owner(1), whole, "freed"), Answer::granted);
    ASSERT_EQ(table.share("shared", {.owner = owner(1), .mode = 1, .access = 1}), Answer::granted);
    EXPECT_FALSE(table.test(request(owner(2), whole, "tested"), open("tested")).value());
    EXPECT_TRUE(table.unshare("never shared", owner(1), true));
    EXPECT_EQ(table.all().size(), 5U);
    EXPECT_EQ(table.file_count(), 4U);

    unlock(owner(1), whole.range, "locked");
    EXPECT_EQ(table.file_count(), 3U);
    EXPECT_TRUE(table.unshare("shared", owner(1), true));
    EXPECT_EQ(table.file_count(), 2U);
    EXPECT_EQ(table.free([](const Owner& which, const Taken&) { return which.host == host(1); }),
              2U);
    EXPECT_EQ(table.file_count(), 1U) << "of which the next has a lock now";
    table.refuse(told.grants.at(0).id, host(2).address);
    EXPECT_EQ(table.file_count(), 0U);
}

/// Somebody's LOCK waits for a disk.
class HungFile : public LockTableTest {
protected:
    HungFile() {
        gate.close();
        locker = std::thread{[this] {
            const OpenLocks hang = [this] {
                gate.pass();
                return node("hung")->open_locks({});
            };
            answer = table.lock(request(owner(1), whole, "hung"), hang).value();
        }};
        gate.await_held_back(1);
    }
    ~HungFile() override { let_go(); }
    void let_go() {
        gate.open();
        if (locker.joinable()) locker.join();
    }
    /// Another thread's, so that a test ends whose action hangs.
    template <class Action>
    void expect_at_once(Action action) {
        auto done = std::async(std::launch::async, action);
        EXPECT_EQ(done.wait_for(berth::test::patience), std::future_status::ready);
        if (done.wait_for(std::chrono::seconds{0}) != std::future_status::ready) let_go();
    }

    berth::test::Gate gate;
    std::thread locker;
    std::optional<Answer> answer;
};

TEST_F(HungFile, HoldsUpNobodyWhoFreesAHost) {
    ASSERT_EQ(lock(owner(1), whole, "f"), Answer::granted);
    expect_at_once([this] {
        table.free([](const Owner& which, const Taken&) { return which.host == host(1); });
    });
    EXPECT_EQ(lock(owner(2), whole, "f"), Answer::granted);
    let_go();
    EXPECT_EQ(answer, Answer::granted) << "asked for before the client was freed";
    EXPECT_EQ(lock(owner(2), whole, "hung"), Answer::granted) << "and gone with the rest";
    EXPECT_THAT(table.hosts(), ElementsAre(host(2)));
}

TEST_F(HungFile, HoldsUpNoneOfThoseWhoWaitForOtherFiles) {
    auto local = node("f")->open_locks({}).value();
    ASSERT_TRUE(local->lock(whole).value());
    ASSERT_EQ(lock_or_wait(owner(2), whole, "f"), Answer::blocked);
    local.reset();
    expect_at_once([this] { EXPECT_FALSE(table.retry()); });
    EXPECT_THAT(served(), ElementsAre(owner(2)));
}

TEST_F(HungFile, IsListedAsBusy) {
    ASSERT_EQ(lock(owner(2), whole, "f"), Answer::granted);
    expect_at_once([this] {
        const auto all = table.all();
        ASSERT_EQ(all.size(), 2U);
        EXPECT_EQ(all[0].owner, owner(2));
        EXPECT_EQ(all[1].what, LockTable::Shown::What::busy);
        EXPECT_EQ(all[1].owner.host, host(1));
    });
    let_go();
    EXPECT_EQ(table.all().size(), 2U);
}

TEST(LockTableThreads, NothingIsHeldByTwoAndNothingIsLeft) {
    // Each thread takes its own grants; what it holds it writes where everybody sees it.
    class Grants final : public LockEvents {
    public:
        void granted(LockTable& table, const Grant& grant) override {
            table.acknowledge(grant.id, grant.path.client);
            const std::lock_guard guard{lock};
            owners.insert(grant.request.owner);
            changed.notify_all();
        }
        void contended() override {}
        void await(const Owner& who) {
            std::unique_lock held{lock};
            ASSERT_TRUE(changed.wait_for(held, berth::test::patience,
                                         [&] { return owners.contains(who); }));
            owners.erase(who);
        }
        std::mutex lock;
        std::condition_variable changed;
        std::set<Owner> owners;
    };
    constexpr int threads = 4;
    constexpr int rounds = 500;
    const auto files = vfs::memory::make({});
    const auto node = files->root().value()->create({}, "f", {}).value();
    const OpenLocks open = [&] { return node->open_locks({}); };
    Grants grants;
    LockTable table{{}, grants};
    std::atomic<int> holders = 0;
    std::atomic<int> together = 0;
    const auto work = [&](int number) {
        const auto who = owner(number);
        const ReturnPath path{.client = who.host.address, .local = {}};
        for (int round = 0; round < rounds; ++round) {
            const LockRequest request{.file = "f", .owner = who, .wanted = whole};
            const auto answer = table.lock(request, open, &path).value();
            if (answer == Answer::blocked) grants.await(who);
            if (holders.fetch_add(1) != 0) ++together;
            holders.fetch_sub(1);
            ASSERT_TRUE(table.unlock(request));
        }
    };
    std::vector<std::thread> all;
    for (int number = 1; number <= threads; ++number) all.emplace_back(work, number);
    for (auto& thread : all) thread.join();
    EXPECT_EQ(together, 0);
    EXPECT_THAT(table.all(), IsEmpty());
    EXPECT_THAT(table.hosts(), IsEmpty());
    EXPECT_EQ(table.file_count(), 0U);
}

}  // namespace
}  // namespace berth::nlm::test
