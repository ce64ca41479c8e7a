// What callers of NLM may give at most, in every version: cookies, ranges, names of holders.
#include <gmock/gmock.h>

#include "tests/nlm/every_version.hpp"

namespace berth::nlm::test {
namespace {

using testing::Each;
using testing::ElementsAre;

template <class T>
class Bounds : public EveryVersion<T> {};
TYPED_TEST_SUITE(Bounds, Versions);

TYPED_TEST(Bounds, CookiesOfEveryLengthComeBack) {
    using V = typename TestFixture::Protocol;
    using S = typename TestFixture::Answer;
    for (std::size_t size = 0; size <= object_bytes_max; ++size) {
        this->cookie = std::string(size, 'c');
        const auto tested = this->one->template call<nlm::Test<V>>(this->test_args(0, 10)).value();
        ASSERT_EQ(text(tested.cookie.bytes()), this->cookie);
    }
    for (const std::size_t size : {0U, 1U, 3U, 8U, 1023U, 1024U}) {
        this->cookie = std::string(size, 'k');
        EXPECT_EQ(this->lock(*this->one, 0, 10), S::granted);
        EXPECT_EQ(this->unlock(*this->one, 0, 10), S::granted);
        const auto cancelled = this->one->template call<Cancel<V>>(
            {.cookie = bytes(this->cookie), .lock = this->range(0, 10)});
        EXPECT_EQ(text(cancelled.value().cookie.bytes()), this->cookie);
        const auto granted = this->one->template call<Granted<V>>(this->test_args(0, 10));
        EXPECT_EQ(text(granted.value().cookie.bytes()), this->cookie);
    }
}

TYPED_TEST(Bounds, CookiesOfMessagesComeBackInTheirAnswers) {
    using V = typename TestFixture::Protocol;
    auto& who = *this->one;
    for (const std::size_t size : {0U, 1U, 8U, 1024U}) {
        this->cookie = std::string(size, 'm');
        this->server.client_side.heard.clear();
        EXPECT_TRUE(who.template call<TestMessage<V>>(this->test_args(0, 10)));
        EXPECT_TRUE(who.template call<LockMessage<V>>(this->lock_args(0, 10)));
        EXPECT_TRUE(who.template call<CancelMessage<V>>(
            {.cookie = bytes(this->cookie), .lock = this->range(0, 10)}));
        EXPECT_TRUE(who.template call<UnlockMessage<V>>({bytes(this->cookie), this->range(0, 10)}));
        EXPECT_TRUE(who.template call<GrantedMessage<V>>(this->test_args(0, 10)));
        this->server.run_callbacks();
        std::vector<std::string> cookies;
        for (const auto& call : this->server.client_side.heard) cookies.push_back(call.cookie);
        EXPECT_EQ(cookies.size(), 5U);
        EXPECT_THAT(cookies, Each(this->cookie));
    }
}

TYPED_TEST(Bounds, AcknowledgementsWithOtherCookiesDoNothing) {
    using V = typename TestFixture::Protocol;
    using S = typename TestFixture::Answer;
    ASSERT_EQ(this->lock(*this->one, 0, 10), S::granted);
    EXPECT_TRUE(this->other->template call<LockMessage<V>>(this->lock_args(0, 10, true)));
    ASSERT_EQ(this->unlock(*this->one, 0, 10), S::granted);
    this->server.run_callbacks();
    ASSERT_THAT(this->heard(), ElementsAre("LOCK_RES", "GRANTED_MSG"));
    const auto grant = this->server.client_side.heard[1].cookie;
    for (std::size_t size = 0; size <= object_bytes_max; ++size) {
        auto made_up = grant;
        made_up.resize(size);
        if (made_up == grant) made_up.back() = static_cast<char>(made_up.back() + 1);
        EXPECT_TRUE(this->other->template call<GrantedResult<V>>({bytes(made_up), S::denied}));
    }
    EXPECT_EQ(this->lock(*this->one, 0, 10), S::denied) << "nothing was taken back";
    for (int times = 0; times < 3; ++times)
        EXPECT_TRUE(this->other->template call<GrantedResult<V>>({bytes(grant), S::granted}));
    EXPECT_EQ(this->unlock(*this->other, 0, 10), S::granted);
    ASSERT_EQ(this->lock(*this->one, 0, 10), S::granted);
    EXPECT_TRUE(this->other->template call<GrantedResult<V>>({bytes(grant), S::denied}));
    EXPECT_EQ(this->lock(*this->other, 0, 10), S::denied) << "a replay frees nobody's lock";
}

TYPED_TEST(Bounds, RangesThatWrapAreAnsweredEverywhere) {
    using V = typename TestFixture::Protocol;
    const auto refused = this->narrowed(Status::too_big, NarrowStatus::denied_no_locks);
    constexpr auto last = static_cast<typename TestFixture::Offset>(~std::uint64_t{0});
    for (const auto offset : {last, last - 3}) {
        auto& who = *this->one;
        EXPECT_EQ(this->lock(who, offset, 5), refused);
        EXPECT_EQ(this->lock(who, offset, 5, true), refused);
        EXPECT_EQ(this->unlock(who, offset, 5), refused);
        EXPECT_EQ(this->cancel(who, offset, 5), refused);
        const auto tested = who.template call<nlm::Test<V>>(this->test_args(offset, 5)).value();
        EXPECT_EQ(tested.reply.discriminant(), refused);
        this->server.client_side.heard.clear();
        EXPECT_TRUE(who.template call<TestMessage<V>>(this->test_args(offset, 5)));
        EXPECT_TRUE(who.template call<LockMessage<V>>(this->lock_args(offset, 5)));
        EXPECT_TRUE(who.template call<UnlockMessage<V>>({{}, this->range(offset, 5)}));
        this->server.run_callbacks();
        ASSERT_EQ(this->server.client_side.heard.size(), 3U);
        for (const auto& call : this->server.client_side.heard) EXPECT_EQ(call.status, refused);
    }
    EXPECT_THAT(this->server.table.all(), testing::IsEmpty());
}

TYPED_TEST(Bounds, ALengthOfZeroGoesToTheEndAndIsShownSo) {
    using V = typename TestFixture::Protocol;
    using S = typename TestFixture::Answer;
    auto wide = this->server.client(id4, "192.0.2.9");
    const auto far_lock = [&](std::uint64_t offset) {
        const LockArgument<Wide> far{.caller_name = std::string_view{"far"},
                                     .file = bytes(this->file),
                                     .owner = bytes(this->owner),
                                     .offset = offset,
                                     .length = 1};
        return wide->template call<Lock<Wide>>({.exclusive = true, .lock = far}).value().status;
    };
    ASSERT_EQ(this->lock(*this->one, 7, 0), S::granted);
    EXPECT_EQ(far_lock(vfs::ByteRange::byte_max), Status::denied) << "to the very end";
    EXPECT_EQ(far_lock(6), Status::granted);
    const auto tested = this->other->template call<nlm::Test<V>>(this->test_args(100, 1)).value();
    const auto* holder = tested.reply.template get_if<S::denied>();
    ASSERT_NE(holder, nullptr);
    EXPECT_EQ(holder->offset, 7U);
    EXPECT_EQ(holder->length, 0U);
}

using BoundsOfVersion3 = EveryVersion<Version<Narrow, 3>>;

TEST_F(BoundsOfVersion3, ALockAcrossTheBoundIsShownToReachTheEnd) {
    auto wide = server.client(id4, "192.0.2.9");
    const LockArgument<Wide> across{.caller_name = std::string_view{"far"},
                                    .file = bytes(file),
                                    .owner = bytes(owner),
                                    .offset = 0xFFFFFFF0,
                                    .length = 0x100};
    ASSERT_EQ(wide->call<Lock<Wide>>({.exclusive = true, .lock = across}).value().status,
              Status::granted);
    const auto tested = one->call<nlm::Test<Narrow>>(test_args(0xFFFFFFFF, 1)).value();
    const auto* holder = tested.reply.get_if<NarrowStatus::denied>();
    ASSERT_NE(holder, nullptr);
    EXPECT_EQ(holder->offset, 0xFFFFFFF0);
    EXPECT_EQ(holder->length, 0U);
    EXPECT_EQ(lock(*one, 0, 0xFFFFFFF0), NarrowStatus::granted) << "all that is before";
}

TEST_F(BoundsOfVersion3, ALocalHolderBeyondTheBoundIsShownAsNearAsItGoes) {
    const auto node = server.files->root().value()->lookup({}, "f").value();
    const auto local = node->open_locks({}).value();
    ASSERT_TRUE(
        local->lock({{std::uint64_t{1} << 40, std::uint64_t{1} << 41}, vfs::LockKind::exclusive})
            .value());
    const auto tested = one->call<nlm::Test<Narrow>>(test_args(0, 0)).value();
    const auto* holder = tested.reply.get_if<NarrowStatus::denied>();
    ASSERT_NE(holder, nullptr);
    EXPECT_EQ(holder->offset, 0xFFFFFFFF);
    EXPECT_EQ(holder->length, 0U);
    EXPECT_EQ(holder->owner.size(), 0U);
}

}  // namespace
}  // namespace berth::nlm::test
