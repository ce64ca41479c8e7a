// Every procedure of every version of NLM, over the wire.
#include "nlm/service.hpp"

#include <gmock/gmock.h>

#include "nlm/programs.hpp"
#include "tests/nlm/every_version.hpp"
#include "tests/support/caller.hpp"
#include "tests/support/known_groups.hpp"

namespace berth::nlm::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TYPED_TEST_SUITE(EveryVersion, Versions);

TYPED_TEST(EveryVersion, Null) {
    EXPECT_TRUE(this->one->template call<rpc::Null>({}));
}

TYPED_TEST(EveryVersion, LockAndUnlock) {
    using S = typename TestFixture::Answer;
    EXPECT_EQ(this->lock(*this->one, 0, 10), S::granted);
    EXPECT_EQ(this->lock(*this->other, 9, 1), S::denied);
    EXPECT_EQ(this->lock(*this->other, 10, 0), S::granted);
    EXPECT_EQ(this->unlock(*this->other, 0, 10), S::granted) << "nothing of its own";
    EXPECT_EQ(this->lock(*this->other, 9, 1), S::denied);
    EXPECT_EQ(this->unlock(*this->one, 0, 10), S::granted);
    EXPECT_EQ(this->lock(*this->other, 9, 1), S::granted);
}

TYPED_TEST(EveryVersion, TestNamesTheHolder) {
    using V = typename TestFixture::Protocol;
    using S = typename TestFixture::Answer;
    const auto free = this->other->template call<nlm::Test<V>>(this->test_args(0, 0)).value();
    EXPECT_EQ(free.reply.discriminant(), S::granted);
    ASSERT_EQ(this->lock(*this->one, 5, 0), S::granted);
    const auto taken = this->other->template call<nlm::Test<V>>(this->test_args(0, 100)).value();
    EXPECT_EQ(text(taken.cookie.bytes()), "cookie");
    ASSERT_EQ(taken.reply.discriminant(), S::denied);
    const auto& holder = *taken.reply.template get_if<S::denied>();
    EXPECT_TRUE(holder.exclusive);
    EXPECT_EQ(holder.svid, 1);
    EXPECT_EQ(text(holder.owner.bytes()), "17@client");
    EXPECT_EQ(holder.offset, 5U);
    EXPECT_EQ(holder.length, 0U) << "to the end of file";
}

TYPED_TEST(EveryVersion, GrantedComesWhenTheLockIsFree) {
    using S = typename TestFixture::Answer;
    ASSERT_EQ(this->lock(*this->one, 0, 10), S::granted);
    EXPECT_EQ(this->lock(*this->other, 5, 0, true), S::blocked);
    this->server.run_callbacks();
    EXPECT_THAT(this->heard(), IsEmpty());
    ASSERT_EQ(this->unlock(*this->one, 0, 10), S::granted);
    this->server.run_callbacks();
    ASSERT_THAT(this->heard(), ElementsAre("GRANTED"));
    const auto& told = this->server.client_side.heard[0];
    EXPECT_EQ(told.caller_name, "client.example");
    EXPECT_EQ(told.file, this->file);
    EXPECT_EQ(told.owner, "17@client");
    EXPECT_EQ(told.svid, 1);
    EXPECT_EQ(told.offset, 5U);
    EXPECT_EQ(told.length, 0U) << "as it was asked for";
    EXPECT_TRUE(told.exclusive);
    EXPECT_LE(told.cookie.size(), 8U);
    const auto& [path, program] = this->server.connections.back();
    EXPECT_EQ(path.client, *rpc::Address::parse("192.0.2.8"));
    EXPECT_EQ(path.local, *rpc::Address::parse("192.0.2.1"));
    EXPECT_EQ(path.transport, rpc::Transport::tcp);
    EXPECT_EQ(program.version, TypeParam::id.version);
    this->server.later += std::chrono::hours{1};
    this->server.run_callbacks();
    EXPECT_EQ(this->heard().size(), 1U) << "acknowledged";
    EXPECT_EQ(this->lock(*this->one, 5, 1), S::denied);
}

// Locks are the file's, not an export's nor a handle's.
TYPED_TEST(EveryVersion, AFileReachedThroughTwoExportsIsOne) {
    using S = typename TestFixture::Answer;
    const auto there = this->file;
    const auto elsewhere = this->server.handle("f", "/squashed");
    ASSERT_NE(there, elsewhere);
    ASSERT_EQ(this->lock(*this->one, 0, 10), S::granted);
    this->file = elsewhere;
    EXPECT_EQ(this->lock(*this->other, 0, 10), S::denied);
    EXPECT_EQ(this->lock(*this->one, 0, 20), S::granted) << "the same owner";
    ASSERT_EQ(this->lock(*this->other, 0, 10, true), S::blocked);
    this->file = there;
    EXPECT_EQ(this->unlock(*this->one, 0, 20), S::granted);
    this->server.run_callbacks();
    ASSERT_EQ(this->server.client_side.heard.size(), 1U);
    EXPECT_EQ(this->server.client_side.heard[0].file, elsewhere) << "as it was asked for";
}

TYPED_TEST(EveryVersion, GrantedGoesOverTheTransportThatTheWaitCameOver) {
    using S = typename TestFixture::Answer;
    auto over_udp = this->server.client(TypeParam::id, "192.0.2.8", 700, rpc::Transport::udp);
    ASSERT_EQ(this->lock(*this->one, 0, 10), S::granted);
    ASSERT_EQ(this->lock(*over_udp, 0, 10, true), S::blocked);
    ASSERT_EQ(this->unlock(*this->one, 0, 10), S::granted);
    this->server.run_callbacks();
    ASSERT_EQ(this->server.connections.size(), 1U);
    EXPECT_EQ(this->server.connections[0].first.transport, rpc::Transport::udp);
}

TYPED_TEST(EveryVersion, GrantedIsRepeatedUntilSomebodyAnswers) {
    using S = typename TestFixture::Answer;
    ASSERT_EQ(this->lock(*this->one, 0, 10), S::granted);
    ASSERT_EQ(this->lock(*this->other, 0, 10, true), S::blocked);
    this->server.is_client_reachable = false;
    ASSERT_EQ(this->unlock(*this->one, 0, 10), S::granted);
    for (int n = 0; n < 5; ++n) {
        this->server.run_callbacks();
        this->server.later += std::chrono::minutes{1};
    }
    EXPECT_THAT(this->heard(), IsEmpty());
    EXPECT_GE(this->server.connections.size(), 5U);
    this->server.is_client_reachable = true;
    this->server.run_callbacks();
    EXPECT_THAT(this->heard(), ElementsAre("GRANTED"));
    EXPECT_EQ(this->lock(*this->one, 0, 10), S::denied);
}

TYPED_TEST(EveryVersion, ARefusedGrantGoesToTheNext) {
    using S = typename TestFixture::Answer;
    ASSERT_EQ(this->lock(*this->one, 0, 10), S::granted);
    ASSERT_EQ(this->lock(*this->other, 0, 10, true), S::blocked);
    this->server.client_side.answer = S::denied;
    ASSERT_EQ(this->unlock(*this->one, 0, 10), S::granted);
    this->server.run_callbacks();
    EXPECT_THAT(this->heard(), ElementsAre("GRANTED"));
    EXPECT_EQ(this->lock(*this->one, 0, 10), S::granted);
}

TYPED_TEST(EveryVersion, AClientInItsOwnGracePeriodIsToldAgain) {
    using S = typename TestFixture::Answer;
    ASSERT_EQ(this->lock(*this->one, 0, 10), S::granted);
    ASSERT_EQ(this->lock(*this->other, 0, 10, true), S::blocked);
    this->server.client_side.answer = S::denied_grace_period;
    ASSERT_EQ(this->unlock(*this->one, 0, 10), S::granted);
    this->server.run_callbacks();
    EXPECT_EQ(this->lock(*this->one, 0, 10), S::denied);
    this->server.client_side.answer = S::granted;
    this->server.later += std::chrono::minutes{1};
    this->server.run_callbacks();
    EXPECT_THAT(this->heard(), ElementsAre("GRANTED", "GRANTED"));
}

TYPED_TEST(EveryVersion, Cancel) {
    using S = typename TestFixture::Answer;
    ASSERT_EQ(this->lock(*this->one, 0, 10), S::granted);
    ASSERT_EQ(this->lock(*this->other, 0, 10, true), S::blocked);
    EXPECT_EQ(this->cancel(*this->one, 0, 10), S::denied) << "not its own";
    EXPECT_EQ(this->cancel(*this->other, 0, 10), S::granted);
    EXPECT_EQ(this->cancel(*this->other, 0, 10), S::denied) << "again";
    ASSERT_EQ(this->unlock(*this->one, 0, 10), S::granted);
    this->server.run_callbacks();
    EXPECT_THAT(this->heard(), IsEmpty());
}

TYPED_TEST(EveryVersion, CancelOfWhatIsGrantedLeavesItToBeUnlocked) {
    using S = typename TestFixture::Answer;
    ASSERT_EQ(this->lock(*this->one, 0, 10), S::granted);
    ASSERT_EQ(this->lock(*this->other, 0, 10, true), S::blocked);
    ASSERT_EQ(this->unlock(*this->one, 0, 10), S::granted);
    EXPECT_EQ(this->cancel(*this->other, 0, 10), S::denied);
    this->server.run_callbacks();
    EXPECT_THAT(this->heard(), IsEmpty()) << "the grant is known";
    EXPECT_EQ(this->lock(*this->one, 0, 10), S::denied);
    EXPECT_EQ(this->unlock(*this->other, 0, 10), S::granted);
    EXPECT_EQ(this->lock(*this->one, 0, 10), S::granted);
}

TYPED_TEST(EveryVersion, MessagesAreAnsweredByCalls) {
    using V = typename TestFixture::Protocol;
    using S = typename TestFixture::Answer;
    auto& who = *this->one;
    EXPECT_TRUE(who.template call<LockMessage<V>>(this->lock_args(0, 10)));
    ASSERT_EQ(this->lock(*this->other, 20, 10), S::granted);
    EXPECT_TRUE(who.template call<LockMessage<V>>(this->lock_args(20, 10)));
    EXPECT_TRUE(who.template call<TestMessage<V>>(this->test_args(20, 0)));
    EXPECT_TRUE(who.template call<CancelMessage<V>>(
        {.cookie = bytes(this->cookie), .exclusive = true, .lock = this->range(20, 10)}));
    EXPECT_TRUE(who.template call<UnlockMessage<V>>({bytes(this->cookie), this->range(0, 10)}));
    EXPECT_TRUE(who.template call<GrantedMessage<V>>(this->test_args(0, 10)));
    this->server.run_callbacks();
    const auto& heard = this->server.client_side.heard;
    ASSERT_THAT(this->heard(), ElementsAre("LOCK_RES", "LOCK_RES", "TEST_RES", "CANCEL_RES",
                                           "UNLOCK_RES", "GRANTED_RES"));
    std::vector<S> statuses;
    for (const auto& call : heard) {
        EXPECT_EQ(call.cookie, "cookie");
        statuses.push_back(call.status);
    }
    EXPECT_THAT(statuses,
                ElementsAre(S::granted, S::denied, S::denied, S::denied, S::granted, S::denied));
    EXPECT_EQ(heard[2].owner, "17@client");
    EXPECT_EQ(heard[2].offset, 20U);
    EXPECT_EQ(heard[2].length, 10U);
    EXPECT_EQ(this->lock(*this->other, 0, 10), S::granted) << "unlocked";
}

TYPED_TEST(EveryVersion, AWaitByMessageIsGrantedByMessage) {
    using V = typename TestFixture::Protocol;
    using S = typename TestFixture::Answer;
    ASSERT_EQ(this->lock(*this->one, 0, 10), S::granted);
    EXPECT_TRUE(this->other->template call<LockMessage<V>>(this->lock_args(0, 10, true)));
    ASSERT_EQ(this->unlock(*this->one, 0, 10), S::granted);
    this->server.run_callbacks();
    ASSERT_THAT(this->heard(), ElementsAre("LOCK_RES", "GRANTED_MSG"));
    EXPECT_EQ(this->server.client_side.heard[0].status, S::blocked);
    const auto grant = this->server.client_side.heard[1].cookie;

    const auto answer = [&](rpc::Client& who, S status) {
        EXPECT_TRUE(who.template call<GrantedResult<V>>({bytes(grant), status}));
    };
    answer(*this->one, S::denied);
    EXPECT_EQ(this->lock(*this->one, 0, 10), S::denied) << "that was not who holds it";
    answer(*this->other, S::granted);
    answer(*this->other, S::denied);
    EXPECT_EQ(this->lock(*this->one, 0, 10), S::denied) << "a replayed cookie does nothing";
    this->server.later += std::chrono::minutes{1};
    this->server.run_callbacks();
    EXPECT_EQ(this->heard().size(), 2U) << "acknowledged";
}

TYPED_TEST(EveryVersion, AnInterceptorSaysWhatHappensToGranted) {
    using S = typename TestFixture::Answer;
    GrantFate fate;
    std::vector<std::string> clients;
    this->server.grants.decide_by([&](const Grant& grant) {
        clients.push_back(grant.path.client.text());
        return fate;
    });
    const auto heard_when = [&](GrantFate wanted) {
        fate = wanted;
        this->server.client_side.heard.clear();
        EXPECT_EQ(this->lock(*this->one, 0, 10), S::granted);
        EXPECT_EQ(this->lock(*this->other, 0, 10, true), S::blocked);
        EXPECT_EQ(this->unlock(*this->one, 0, 10), S::granted);
        this->server.run_callbacks();
        return this->heard().size();
    };
    const auto is_free = [&] { return this->lock(*this->one, 0, 10) == S::granted; };
    EXPECT_EQ(heard_when({.copies = 1}), 2U);
    EXPECT_FALSE(is_free());
    EXPECT_EQ(this->unlock(*this->other, 0, 10), S::granted);

    EXPECT_EQ(heard_when({.is_refused = true}), 0U);
    EXPECT_TRUE(is_free()) << "it is taken back";
    EXPECT_EQ(this->unlock(*this->one, 0, 10), S::granted);

    EXPECT_EQ(heard_when({.is_sent = false}), 0U);
    EXPECT_FALSE(is_free()) << "the client has it, and does not know";
    EXPECT_EQ(this->lock(*this->other, 0, 10), S::granted) << "until it asks again";
    EXPECT_EQ(this->unlock(*this->other, 0, 10), S::granted);
    EXPECT_EQ(clients, std::vector<std::string>(3, "192.0.2.8"));
}

TYPED_TEST(EveryVersion, ADeniedGrantedResTakesTheLockBack) {
    using V = typename TestFixture::Protocol;
    using S = typename TestFixture::Answer;
    ASSERT_EQ(this->lock(*this->one, 0, 10), S::granted);
    EXPECT_TRUE(this->other->template call<LockMessage<V>>(this->lock_args(0, 10, true)));
    ASSERT_EQ(this->unlock(*this->one, 0, 10), S::granted);
    this->server.run_callbacks();
    ASSERT_THAT(this->heard(), ElementsAre("LOCK_RES", "GRANTED_MSG"));
    const auto grant = this->server.client_side.heard[1].cookie;
    EXPECT_TRUE(this->other->template call<GrantedResult<V>>({bytes(grant), S::denied}));
    EXPECT_EQ(this->lock(*this->one, 0, 10), S::granted);
}

TYPED_TEST(EveryVersion, StrayResultsDoNothing) {
    using V = typename TestFixture::Protocol;
    using S = typename TestFixture::Answer;
    ASSERT_EQ(this->lock(*this->one, 0, 10), S::granted);
    auto& who = *this->one;
    EXPECT_TRUE(who.template call<TestResult<V>>({bytes(this->cookie)}));
    EXPECT_TRUE(who.template call<LockResult<V>>({bytes(this->cookie), S::denied}));
    EXPECT_TRUE(who.template call<CancelResult<V>>({bytes(this->cookie), S::denied}));
    EXPECT_TRUE(who.template call<UnlockResult<V>>({bytes(this->cookie), S::denied}));
    EXPECT_TRUE(who.template call<GrantedResult<V>>({bytes(this->cookie), S::denied}));
    EXPECT_TRUE(who.template call<GrantedResult<V>>({bytes("12345678"), S::denied}));
    EXPECT_EQ(this->lock(*this->other, 0, 10), S::denied);
    EXPECT_EQ(who.template call<Granted<V>>(this->test_args(0, 10)).value().status, S::denied)
        << "this server waits for nobody";
}

TYPED_TEST(EveryVersion, AnswersForFilesThatCannotBeLocked) {
    using V = typename TestFixture::Protocol;
    using S = typename TestFixture::Answer;
    const auto status = [&](std::string handle, bool exclusive = true) {
        this->file = std::move(handle);
        auto args = this->lock_args(0, 10);
        args.exclusive = exclusive;
        return this->lock(*this->one, args);
    };
    EXPECT_EQ(status("no handle"),
              this->narrowed(Status::stale_handle, NarrowStatus::denied_no_locks));
    const auto gone = this->server.handle("gone");
    ASSERT_TRUE(this->server.files->root().value()->remove({}, "gone"));
    EXPECT_EQ(status(gone), this->narrowed(Status::stale_handle, NarrowStatus::denied_no_locks));
    const auto private_file = this->server.handle("private", "/tree", 0600);
    EXPECT_EQ(status(private_file), this->narrowed(Status::failed, NarrowStatus::denied_no_locks));
    const auto read_only = this->server.handle("f", "/readonly");
    EXPECT_EQ(status(read_only), this->narrowed(Status::read_only, NarrowStatus::denied_no_locks));
    EXPECT_EQ(status(read_only, false), S::granted);
    auto root = this->server.files->root().value();
    const auto directory =
        text(this->server.sealer
                 .seal(this->server.exports.pin()->matches("/tree").front().found->id, root->id())
                 .bytes());
    EXPECT_EQ(status(directory), this->narrowed(Status::failed, NarrowStatus::denied_no_locks));
    EXPECT_EQ(this->unlock(*this->one, 0, 10), S::granted);
    this->file = gone;
    EXPECT_EQ(this->unlock(*this->one, 0, 10), S::granted) << "there is nothing to unlock";
    const auto tested = this->one->template call<nlm::Test<V>>(this->test_args(0, 10)).value();
    EXPECT_EQ(tested.reply.discriminant(),
              this->narrowed(Status::stale_handle, NarrowStatus::denied_no_locks));
}

TYPED_TEST(EveryVersion, TheLongestTextsAreTakenAndLongerOnesAreGarbage) {
    using V = typename TestFixture::Protocol;
    using S = typename TestFixture::Answer;
    this->caller_name = std::string(1024, 'n');
    this->owner = std::string(1024, 'o');
    this->cookie = std::string(1024, 'c');
    EXPECT_EQ(this->lock(*this->one, 0, 10), S::granted);
    EXPECT_EQ(this->unlock(*this->one, 0, 10), S::granted);
    // One byte more, in each of them.
    berth::test::Caller caller{this->program()};
    const auto longest = berth::test::encoded(this->lock_args(0, 10));
    ASSERT_EQ(caller.invoke(Lock<V>::id.number, longest), rpc::Outcome::success);
    int texts = 0;
    for (std::size_t at = 0; at + 4 < longest.size(); ++at) {
        constexpr std::array length{std::byte{0}, std::byte{0}, std::byte{4}, std::byte{0}};
        const auto here = longest.begin() + static_cast<long>(at);
        if (at % 4 != 0 || !std::equal(length.begin(), length.end(), here)) continue;
        auto longer = longest;
        longer[at + 3] = std::byte{1};
        longer.insert(longer.begin() + static_cast<long>(at) + 4, 4, std::byte{0});
        EXPECT_EQ(caller.invoke(Lock<V>::id.number, longer), rpc::Outcome::garbage_arguments);
        ++texts;
    }
    EXPECT_EQ(texts, 3);
}

TYPED_TEST(EveryVersion, ALockAskedForTwiceByTheSameBytesIsOneLock) {
    using V = typename TestFixture::Protocol;
    using S = typename TestFixture::Answer;
    auto channel = std::make_unique<berth::test::Loopback>(this->server.dispatcher);
    auto* wire = channel.get();
    rpc::Client client{std::move(channel), TypeParam::id};
    wire->fates({berth::test::Fate::comes_again});
    ASSERT_EQ(client.call<Lock<V>>(this->lock_args(0, 10)).value().status, S::granted);
    const auto unlocked = client.call<Unlock<V>>({bytes(this->cookie), this->range(0, 10)});
    EXPECT_EQ(unlocked.value().status, S::granted);
    EXPECT_EQ(this->lock(*this->other, 0, 10), S::granted)
        << "the copy that came late did not lock again";
}

TYPED_TEST(EveryVersion, NoPrefixOfArgumentsIsTaken) {
    using V = typename TestFixture::Protocol;
    berth::test::Caller caller{this->program()};
    caller.template expect_no_prefix_taken<nlm::Test<V>>(this->test_args(0, 10));
    caller.template expect_no_prefix_taken<Lock<V>>(this->lock_args(0, 10));
    caller.template expect_no_prefix_taken<Cancel<V>>({.lock = this->range(0, 10)});
    caller.template expect_no_prefix_taken<Unlock<V>>({bytes("c"), this->range(0, 10)});
    caller.template expect_no_prefix_taken<GrantedResult<V>>({bytes("c"), V::Status::denied});
}

// What only version 4 has, and what only the others have.

using Version4 = EveryVersion<Version<Wide, 4>>;
using Version3 = EveryVersion<Version<Narrow, 3>>;

TEST_F(Version4, RangesThatWrapAreTooBig) {
    constexpr std::uint64_t byte_max = vfs::ByteRange::byte_max;
    constexpr auto all_ones = ~std::uint64_t{0};
    EXPECT_EQ(lock(*one, byte_max, 1), Status::granted);
    EXPECT_EQ(lock(*one, byte_max, 2), Status::too_big);
    EXPECT_EQ(lock(*one, byte_max + 1, 1), Status::too_big);
    EXPECT_EQ(lock(*one, byte_max + 1, 0), Status::too_big);
    EXPECT_EQ(lock(*one, 1, byte_max), Status::granted);
    EXPECT_EQ(lock(*one, 2, byte_max), Status::too_big);
    EXPECT_EQ(lock(*one, 5, all_ones - 1), Status::too_big);
    EXPECT_EQ(lock(*one, 5, all_ones), Status::granted) << "some clients mean the end of file";
    EXPECT_EQ(unlock(*one, all_ones, 5), Status::too_big);
    EXPECT_EQ(cancel(*one, all_ones, 5), Status::too_big);
    const auto tested = one->call<nlm::Test<Wide>>(test_args(all_ones, 5)).value();
    EXPECT_EQ(tested.reply.discriminant(), Status::too_big);
}

TEST_F(Version3, RangesThatWrapAreRefused) {
    EXPECT_EQ(lock(*one, 0xFFFFFFFF, 1), NarrowStatus::granted);
    EXPECT_EQ(lock(*one, 0xFFFFFFFF, 2), NarrowStatus::denied_no_locks);
    EXPECT_EQ(lock(*one, 2, 0xFFFFFFFF), NarrowStatus::granted) << "to the end of file";
    EXPECT_EQ(lock(*one, 3, 0xFFFFFFFE), NarrowStatus::denied_no_locks);
}

TEST_F(Version3, ShowsWhatLiesBeyondItsRangesAsFarAsTheyGo) {
    auto wide = server.client(id4, "192.0.2.9");
    const LockArgument<Wide> far{.caller_name = std::string_view{caller_name},
                                 .file = bytes(file),
                                 .owner = bytes(owner),
                                 .svid = 3,
                                 .offset = std::uint64_t{1} << 33,
                                 .length = 10};
    ASSERT_EQ(wide->call<Lock<Wide>>({.exclusive = true, .lock = far}).value().status,
              Status::granted);
    const auto tested = one->call<nlm::Test<Narrow>>(test_args(5, 0)).value();
    const auto* holder = tested.reply.get_if<NarrowStatus::denied>();
    ASSERT_NE(holder, nullptr);
    EXPECT_EQ(holder->offset, 0xFFFFFFFF);
    EXPECT_EQ(holder->length, 0U);
}

template <class T>
class LaterVersions : public EveryVersion<T> {};
using Later = ::testing::Types<Version<Narrow, 3>, Version<Wide, 4>>;
TYPED_TEST_SUITE(LaterVersions, Later);

TYPED_TEST(LaterVersions, ShareAndUnshare) {
    using V = typename TestFixture::Protocol;
    using S = typename TestFixture::Answer;
    const auto share = [&](rpc::Client& who, ShareMode mode, ShareAccess access) {
        const auto answer = who.template call<TakeShare<V>>(
            {.cookie = bytes(this->cookie),
             .share = {.caller_name = std::string_view{this->caller_name},
                       .file = bytes(this->file),
                       .owner = bytes(this->owner),
                       .mode = mode,
                       .access = access}});
        EXPECT_EQ(text(answer.value().cookie.bytes()), this->cookie);
        return answer->status;
    };
    EXPECT_EQ(share(*this->one, ShareMode::deny_write, ShareAccess::read), S::granted);
    EXPECT_EQ(share(*this->other, ShareMode::deny_none, ShareAccess::write), S::denied);
    EXPECT_EQ(share(*this->other, ShareMode::deny_none, ShareAccess::read), S::granted);
    const auto gone = this->one->template call<Unshare<V>>(
        {.cookie = bytes(this->cookie),
         .share = {.caller_name = std::string_view{this->caller_name},
                   .file = bytes(this->file),
                   .owner = bytes(this->owner)}});
    EXPECT_EQ(gone.value().status, S::granted);
    EXPECT_EQ(share(*this->other, ShareMode::deny_none, ShareAccess::write), S::granted);
    this->file = this->server.handle("f", "/readonly");
    EXPECT_EQ(share(*this->one, ShareMode::deny_none, ShareAccess::both),
              this->narrowed(Status::read_only, NarrowStatus::denied_no_locks));
    this->file = this->server.handle("private", "/tree", 0600);
    EXPECT_EQ(share(*this->one, ShareMode::deny_none, ShareAccess::read),
              this->narrowed(Status::failed, NarrowStatus::denied_no_locks));
}

TYPED_TEST(LaterVersions, AnUnmonitoredLockNeverWaits) {
    using V = typename TestFixture::Protocol;
    using S = typename TestFixture::Answer;
    const auto lock = [&](rpc::Client& who) {
        return who.template call<UnmonitoredLock<V>>(this->lock_args(0, 10, true)).value().status;
    };
    EXPECT_EQ(lock(*this->one), S::granted);
    EXPECT_EQ(lock(*this->other), S::denied);
    EXPECT_TRUE(this->server.monitored.add({.host = {}}));
    this->server.monitored.restart();
    EXPECT_EQ(this->server.monitored.to_notify().size(), 1U) << "neither of them is monitored";
}

TYPED_TEST(LaterVersions, FreeAllFreesTheCallersAndNobodyElses) {
    using S = typename TestFixture::Answer;
    ASSERT_EQ(this->lock(*this->one, 0, 10), S::granted);
    EXPECT_TRUE(this->other->template call<FreeAll>({std::string_view{this->caller_name}, 3}));
    EXPECT_EQ(this->lock(*this->other, 0, 10), S::denied) << "a name from another address";
    EXPECT_TRUE(this->one->template call<FreeAll>({std::string_view{this->caller_name}, 3}));
    EXPECT_EQ(this->lock(*this->other, 0, 10), S::granted);
}

TEST(NlmGroups, AreTheServersWhereItHasASay) {
    berth::test::KnownGroups directory{{{1000, {4711}}}};
    exports::UserGroups users{directory, {.patience = berth::test::patience}};
    LockServer<Wide> server{{}, {}, &users};
    const auto file = server.handle("f", "/tree", 0060);
    const auto node = server.files->root().value()->lookup({}, "f").value();
    ASSERT_TRUE(node->set_attributes({}, {.gid = 4711}));
    const auto client = server.client(id4);
    LockArgs<Wide> args{.cookie = bytes("c"), .exclusive = true};
    args.lock = {.caller_name = std::string_view{"client"},
                 .file = bytes(file),
                 .owner = bytes("o"),
                 .length = 1};
    EXPECT_EQ(client->call<Lock<Wide>>(args).value().status, Status::granted);
    directory.is_silent = true;
    exports::UserGroups silent{directory, {}};
    LockServer<Wide> other{{}, {}, &silent};
    const auto unknown = other.handle("f");
    args.lock.file = bytes(unknown);
    EXPECT_EQ(other.client(id4)->call<Lock<Wide>>(args).value().status, Status::denied_grace_period)
        << "to be asked again";
}

TEST(NlmPrograms, HaveTheProceduresOfTheirVersions) {
    const exports::Exports exports;
    const exports::HandleSealer sealer{exports::HandleKey::random()};
    Services services{exports, sealer, {.host_name = "server", .connect = {}}};
    std::vector<std::pair<std::uint32_t, std::size_t>> seen;
    for (const auto& program : services.programs()) {
        seen.emplace_back(program.id.version, program.procedures.size());
        EXPECT_EQ(program.id.number, program.id.name == "NSM" ? 100024U : 100021U);
    }
    using Shape = std::pair<std::uint32_t, std::size_t>;
    EXPECT_THAT(seen,
                ElementsAre(Shape{1, 16}, Shape{2, 16}, Shape{3, 24}, Shape{4, 24}, Shape{1, 7}));
}

TEST(NlmGolden, LockOfVersion4) {
    LockServer<Wide> server;
    berth::test::Caller caller{rpc::make_program(id4, server.wide)};
    const auto file = server.handle("f");
    const auto args = berth::test::encoded(LockArgs<Wide>{
        .cookie = bytes("ck"),
        .block = true,
        .exclusive = true,
        .lock = {.caller_name = std::string_view{"c"},
                 .file = bytes("fh"),
                 .owner = bytes("oh"),
                 .svid = -2,
                 .offset = 1,
                 .length = 0x0102030405060708},
        .reclaim = true,
        .state = 5,
    });
    const std::vector<unsigned> expected{
        0,    0,    0,    2,    'c', 'k', 0, 0,   // cookie
        0,    0,    0,    1,    0,   0,   0, 1,   // block, exclusive
        0,    0,    0,    1,    'c', 0,   0, 0,   // caller_name
        0,    0,    0,    2,    'f', 'h', 0, 0,   // fh
        0,    0,    0,    2,    'o', 'h', 0, 0,   // oh
        0xff, 0xff, 0xff, 0xfe,                   // svid
        0,    0,    0,    0,    0,   0,   0, 1,   // l_offset
        1,    2,    3,    4,    5,   6,   7, 8,   // l_len
        0,    0,    0,    1,    0,   0,   0, 5};  // reclaim, state
    std::vector<unsigned> seen;
    for (const auto byte : args) seen.push_back(static_cast<unsigned>(byte));
    EXPECT_EQ(seen, expected);
}

}  // namespace
}  // namespace berth::nlm::test
