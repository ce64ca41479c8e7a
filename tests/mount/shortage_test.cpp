// Lack of memory in the middle of a call: the lists are as they were, and the next call finds
// everything in order.
#include <cstddef>
#include <tuple>

#include "tests/mount/fixture.hpp"
#include "tests/support/allocations.hpp"

namespace berth::mount {
namespace {

using berth::test::fail_each_allocation;

class MountWithoutMemory : public MountService {
protected:
    std::size_t listed() {
        auto asking = caller(3);
        return asking.call<Dump>({}).items.size();
    }
};

TEST_F(MountWithoutMemory, MntCanBeAskedAgain) {
    fail_each_allocation([this] { std::ignore = status("/srv/open/deep"); },
                         [this] {
                             EXPECT_EQ(status("/srv/open/deep"), Status::ok);
                             EXPECT_EQ(listed(), 1U);
                             caller(3).call<Unmount>({"/srv/open/deep"});
                             EXPECT_EQ(listed(), 0U);
                         });
}

TEST_F(MountWithoutMemory, UmntAndUmntallCanBeAskedAgain) {
    const auto mount_two = [this] {
        ASSERT_EQ(status("/srv"), Status::ok);
        ASSERT_EQ(status("/srv/inner"), Status::ok);
    };
    fail_each_allocation(
        [&, this] {
            if (listed() == 0) mount_two();
            caller(3).call<Unmount>({"/srv"});
            caller(3).call<UnmountAll>({});
        },
        [&, this] {
            caller(3).call<UnmountAll>({});
            EXPECT_EQ(listed(), 0U);
        });
}

TEST_F(MountWithoutMemory, ListsAreWholeTheNextTime) {
    ASSERT_EQ(status("/srv"), Status::ok);
    fail_each_allocation(
        [this] {
            std::ignore = listed();
            caller(3).call<Export>({});
        },
        [this] {
            EXPECT_EQ(listed(), 1U);
            auto asking = caller(3);

            EXPECT_EQ(asking.call<Export>({}).items.size(), 2U);
        });
}

}  // namespace
}  // namespace berth::mount
