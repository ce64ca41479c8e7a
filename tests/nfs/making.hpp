// For the tests of CREATE, MKDIR, SYMLINK and MKNOD.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "tests/nfs/support.hpp"

namespace berth::nfs {

inline NewAttributes mode(std::uint32_t bits) {
    NewAttributes attributes;
    attributes.mode = bits;
    return attributes;
}

class MakingTest : public ServiceTest {
protected:
    static Create::How unchecked(const NewAttributes& attributes = {}) {
        return Create::How::make<CreateMode::unchecked>(attributes);
    }
    static Create::How guarded(const NewAttributes& attributes = {}) {
        return Create::How::make<CreateMode::guarded>(attributes);
    }
    static Create::How exclusive(std::string_view verifier) {
        Verifier bytes{};
        std::ranges::copy(data_of(verifier), bytes.begin());
        return Create::How::make<CreateMode::exclusive>(bytes);
    }
    static NewAttributes size(std::uint64_t bytes) {
        NewAttributes attributes;
        attributes.size = bytes;
        return attributes;
    }

    /// Expects what the four answer to success, and gives the object.
    KeptHandle expect_made(const Created& made, const Attributes& directory_before, FileType type) {
        expect_wcc(made.directory, directory_before);
        EXPECT_FALSE(made.directory.after->changed == directory_before.changed);
        EXPECT_TRUE(made.object);
        EXPECT_TRUE(made.attributes);
        if (!made.object || !made.attributes) return {};
        EXPECT_EQ(made.attributes->type, type);
        const auto shown = *made.attributes;
        const KeptHandle object = *made.object;
        EXPECT_EQ(attributes(object), shown);
        return object;
    }
};

}  // namespace berth::nfs
