// Lack of memory in the middle of a call: a registration is there or not, and can be made and taken
// away again.
#include <tuple>

#include "tests/portmap/fixture.hpp"
#include "tests/support/allocations.hpp"

namespace berth::portmap {
namespace {

using berth::test::fail_each_allocation;
using v2::Dump;
using v2::GetPort;
using v2::Mapping;
using v2::Protocol;
using v2::Set;
using v2::Unset;

constexpr Mapping mapping{100021, 4, Protocol::tcp, 4045};

TEST(PortmapWithoutMemory, SetAndUnsetCanBeAskedAgain) {
    Portmapper portmapper;
    auto caller = portmapper.local_caller(2);
    fail_each_allocation(
        [&] {
            caller.call<Set>(mapping);
            caller.call<Unset>(mapping);
        },
        [&] {
            caller.call<Unset>(mapping);
            EXPECT_TRUE(portmapper.registry.all().empty());
            EXPECT_TRUE(caller.call<Set>(mapping));
            EXPECT_EQ(portmapper.registry.all().size(), 1U);
            EXPECT_TRUE(caller.call<Unset>(mapping));
        });
}

TEST(PortmapWithoutMemory, QuestionsCanBeAskedAgain) {
    Portmapper portmapper;
    auto caller = portmapper.local_caller(2);
    ASSERT_TRUE(caller.call<Set>(mapping));
    fail_each_allocation(
        [&] {
            caller.call<GetPort>(mapping);
            caller.call<Dump>({});
        },
        [&] { EXPECT_EQ(caller.call<GetPort>(mapping), 4045U); });
}

}  // namespace
}  // namespace berth::portmap
