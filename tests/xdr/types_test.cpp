#include "xdr/types.hpp"

#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

#include <gtest/gtest.h>

namespace berth::xdr {
namespace {

using Number =
    Union<std::int32_t, Case<1, std::int32_t>, Case<2, String<>>, Case<-1, Void>, Otherwise<bool>>;
using Closed = Union<std::uint32_t, Case<7U, std::uint64_t>, Case<9U, std::uint64_t>>;

static_assert(Number::arm_of(1) == 0);
static_assert(Number::arm_of(2) == 1);
static_assert(Number::arm_of(-1) == 2);
static_assert(Number::arm_of(0) == 3);
static_assert(Closed::arm_of(9) == 1);
static_assert(Closed::arm_of(8) == Closed::no_arm);

TEST(Union, BeginsOnItsFirstArm) {
    const Number number;
    EXPECT_EQ(number.discriminant(), 1);
    ASSERT_NE(number.get_if<1>(), nullptr);
    EXPECT_EQ(*number.get_if<1>(), 0);
    EXPECT_EQ(Closed{}.discriminant(), 7U);
    // A default that stands first is taken under the zero of the discriminant.
    const Union<std::uint32_t, Otherwise<bool>> only_default;
    EXPECT_EQ(only_default.discriminant(), 0U);
    EXPECT_NE(only_default.get_otherwise(), nullptr);
}

TEST(Union, IsMadeOnAnArm) {
    const auto text = Number::make<2>(std::string_view{"two"});
    EXPECT_EQ(text.discriminant(), 2);
    EXPECT_EQ(text.get_if<1>(), nullptr);
    EXPECT_EQ(text.get_otherwise(), nullptr);
    ASSERT_NE(text.get_if<2>(), nullptr);
    EXPECT_EQ(text.get_if<2>()->view(), "two");

    const auto nothing = Number::make<-1>();
    EXPECT_EQ(nothing.discriminant(), -1);
    EXPECT_NE(nothing.get_if<-1>(), nullptr);
}

TEST(Union, IsMadeOnTheDefaultArm) {
    const auto other = Number::otherwise(77, true);
    EXPECT_EQ(other.discriminant(), 77);
    ASSERT_NE(other.get_otherwise(), nullptr);
    EXPECT_TRUE(*other.get_otherwise());
    EXPECT_EQ(other.get_if<1>(), nullptr);
}

TEST(UnionDeathTest, TheDefaultArmIsNotForACaseOfItsOwn) {
    EXPECT_DEATH(Number::otherwise(1, true), "arm_of");
}

TEST(Union, TheArmsBodyCanBeChanged) {
    auto number = Number::make<1>(5);
    *number.get_if<1>() = 6;
    EXPECT_EQ(*number.get_if<1>(), 6);
}

// Two arms of one type are still two arms.
TEST(Union, ArmsOfOneTypeAreTold) {
    const auto nine = Closed::make<9U>(99);
    EXPECT_EQ(nine.discriminant(), 9U);
    EXPECT_EQ(nine.get_if<7U>(), nullptr);
    ASSERT_NE(nine.get_if<9U>(), nullptr);
    EXPECT_EQ(*nine.get_if<9U>(), 99U);
}

TEST(Union, SelectChangesTheArmAndForgetsTheBody) {
    auto number = Number::make<1>(5);
    EXPECT_TRUE(number.select(2));
    EXPECT_EQ(number.discriminant(), 2);
    EXPECT_EQ(number.get_if<2>()->view(), "");
    EXPECT_TRUE(number.select(1));
    EXPECT_EQ(*number.get_if<1>(), 0);
    EXPECT_TRUE(number.select(1000));
    EXPECT_EQ(number.discriminant(), 1000);
    EXPECT_NE(number.get_otherwise(), nullptr);
}

TEST(Union, SelectRefusesWhatHasNoArm) {
    auto closed = Closed::make<9U>(99);
    EXPECT_FALSE(closed.select(8));
    EXPECT_EQ(closed.discriminant(), 9U);
    EXPECT_EQ(*closed.get_if<9U>(), 99U);
}

TEST(Union, VisitSeesTheBodyOfTheArm) {
    const auto text = Number::make<2>(std::string_view{"two"});
    std::string seen;
    text.visit([&](const auto& body) {
        if constexpr (std::is_same_v<std::decay_t<decltype(body)>, String<>>) seen = body.view();
    });
    EXPECT_EQ(seen, "two");
}

TEST(Optional, HoldsAValueOrNone) {
    Optional<std::uint32_t> value;
    EXPECT_FALSE(value);
    value.emplace() = 5;
    EXPECT_TRUE(value);
    EXPECT_EQ(*value, 5U);
    value.reset();
    EXPECT_FALSE(value);
    EXPECT_EQ(*Optional<std::uint32_t>{6}, 6U);
}

TEST(Opaque, IsAView) {
    const std::vector<std::byte> bytes(5);
    const Opaque<8> opaque{bytes};
    EXPECT_EQ(opaque.bytes().data(), bytes.data());
    EXPECT_EQ(opaque.size(), 5U);
    EXPECT_EQ(Opaque<8>{}.size(), 0U);
}

TEST(String, IsAViewAndMayHoldAnyByte) {
    const std::string text("a\0b", 3);
    const String<> string{text};
    EXPECT_EQ(string.view().data(), text.data());
    EXPECT_EQ(string.view().size(), 3U);
    const std::string_view as_view = string;
    EXPECT_EQ(as_view, text);
}

TEST(Array, SmallBoundsLiveInPlace) {
    static_assert(Array<std::uint32_t, 16>::in_place);
    static_assert(!Array<std::uint32_t, 33>::in_place);
    static_assert(!Array<std::uint32_t>::in_place);
    Array<std::uint32_t, 16> gids;
    gids.items.resize(16);
    const auto* begin = reinterpret_cast<const std::byte*>(&gids);
    const auto* item = reinterpret_cast<const std::byte*>(gids.items.data());
    EXPECT_GE(item, begin);
    EXPECT_LT(item, begin + sizeof gids);
}

}  // namespace
}  // namespace berth::xdr
