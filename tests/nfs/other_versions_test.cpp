// Calls for other versions of NFS: refused, and said in the log once, with the way to version 3.
#include <cstdint>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nfs/service.hpp"
#include "rpc/peer_log.hpp"
#include "tests/nfs/support.hpp"
#include "tests/support/logged.hpp"

namespace berth::nfs {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class OtherVersions : public ServiceTest {
protected:
    /// What a NULL call of this version has logged.
    std::vector<std::string> said(std::uint32_t version) {
        const test::Logged logged;
        xdr::Writer call;
        for (const auto word : {7U, 0U, 2U, program.number, version, 0U, 0U, 0U, 0U, 0U})
            call.u32(word);
        const auto bytes = call.flat();
        EXPECT_FALSE(raw_.exchange({bytes.begin(), bytes.end()}).empty());
        return logged.lines();
    }
};

TEST_F(OtherVersions, AreSaidWithTheWayToVersion3) {
    EXPECT_THAT(said(4), ElementsAre("info: 192.0.2.7 asks for NFSv4; berth has version 3: mount "
                                     "with vers=3 saves the detour"));
    EXPECT_THAT(said(2), ElementsAre("info: 192.0.2.7 asks for NFSv2; berth has version 3: mount "
                                     "with vers=3"));
}

TEST_F(OtherVersions, ThatNobodyMountsWithAreNotMentioned) {
    for (const auto version : {0U, 1U, 3U, 5U, 0xFFFFFFFFU})
        EXPECT_THAT(said(version), IsEmpty()) << version;
}

}  // namespace
}  // namespace berth::nfs
