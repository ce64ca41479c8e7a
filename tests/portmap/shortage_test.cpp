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

class RpcbindWithoutMemory : public testing::TestWithParam<std::uint32_t> {
protected:
    static rpcbind::Binding binding(std::string_view netid, std::string_view address) {
        return {100021, 4, netid, address, std::string_view{"an owner"}};
    }

    Portmapper portmapper;
    test::Caller caller = portmapper.local_caller(GetParam());
};
INSTANTIATE_TEST_SUITE_P(Versions, RpcbindWithoutMemory, testing::Values(3, 4));

TEST_P(RpcbindWithoutMemory, SetAndUnsetCanBeAskedAgain) {
    const auto made = binding("tcp", "127.0.0.1.15.205");
    const auto all = binding("", "");
    fail_each_allocation(
        [&] {
            caller.call<rpcbind::Set>(made);
            caller.call<rpcbind::Unset>(all);
        },
        [&] {
            caller.call<rpcbind::Unset>(all);
            EXPECT_TRUE(portmapper.registry.all().empty());
            EXPECT_TRUE(caller.call<rpcbind::Set>(made));
            EXPECT_EQ(portmapper.registry.all().size(), 1U);
            EXPECT_TRUE(caller.call<rpcbind::Unset>(made));
        });
}

TEST_P(RpcbindWithoutMemory, QuestionsCanBeAskedAgain) {
    const auto made = binding("tcp", "127.0.0.1.15.205");
    ASSERT_TRUE(caller.call<rpcbind::Set>(made));
    fail_each_allocation(
        [&] {
            caller.call<rpcbind::GetAddress>(made);
            caller.call<rpcbind::Dump>({});
            const auto buffer =
                caller.call<rpcbind::ToTransportAddress>(std::string_view{"127.0.0.1.15.205"});
            caller.call<rpcbind::ToUniversalAddress>(buffer);
            if (GetParam() < 4) return;
            caller.call<rpcbind::GetVersionAddress>(made);
            caller.call<rpcbind::GetAddressList>(made);
            caller.call<rpcbind::GetStatistics>({});
        },
        [&] { EXPECT_FALSE(caller.call<rpcbind::GetAddress>(made).view().empty()); });
}

}  // namespace
}  // namespace berth::portmap
