// Text of peers within lines of the log.
#include "rpc/text/quoted.hpp"

#include <string>

#include <gtest/gtest.h>

namespace berth::text {
namespace {

std::string quoted(std::string_view text) {
    return fmt::format("{}", Quoted{text});
}

std::string word(std::string_view text) {
    return fmt::format("{}", Word{text});
}

TEST(QuotedTest, NoTextEndsItsQuotes) {
    EXPECT_EQ(quoted("/srv/data"), "'/srv/data'");
    EXPECT_EQ(quoted(""), "''");
    EXPECT_EQ(quoted("/x' accepted: '"), R"('/x\x27 accepted: \x27')");
    EXPECT_EQ(quoted(R"(\x27)"), R"('\x5cx27')") << "looks unlike a quote";
}

TEST(QuotedTest, PlainWordsNeedNoQuotes) {
    EXPECT_EQ(word("client-1.lab.example"), "client-1.lab.example");
    EXPECT_EQ(word("fe80::1%eth0"), "fe80::1%eth0");
    EXPECT_EQ(word("/srv/data_1"), "/srv/data_1");
    EXPECT_EQ(word(""), "''");
    EXPECT_EQ(word("-h"), "'-h'") << "is no option for whoever types it";
    EXPECT_EQ(word("a b"), "'a b'");
    EXPECT_EQ(word("a)"), "'a)'");
    EXPECT_EQ(word("b\xC3\xBCro"), "'b\xC3\xBCro'");
    EXPECT_EQ(word("a'b"), R"('a\x27b')");
}

}  // namespace
}  // namespace berth::text
