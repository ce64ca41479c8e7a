// What terminals and readers of JSON get of text that anybody may have chosen.
#include "server/printable.hpp"

#include <random>

#include <gtest/gtest.h>

namespace berth::server {
namespace {

using namespace std::string_literals;

struct Case {
    std::string text;
    std::string shown;
};

TEST(Printable, Table) {
    const std::vector<Case> cases{
        {"", ""},
        {"plain text, 'quoted' \"twice\" \\", "plain text, 'quoted' \"twice\" \\"},
        {"a\0b"s, "a\\x00b"},
        {"line\nforged", "line\\x0aforged"},
        {"\x1b[31mred", "\\x1b[31mred"},
        {"\x7f", "\\x7f"},
        {"gr\xc3\xbc\xc3\x9f \xe6\x97\xa5 \xf0\x9f\x98\x80",
         "gr\xc3\xbc\xc3\x9f \xe6\x97\xa5 \xf0\x9f\x98\x80"},
        {"\xc2\x9b", "\\xc2\\x9b"},                    // C1: CSI
        {"\x9b", "\\x9b"},                             // the same, not as UTF-8
        {"\xc0\x80", "\\xc0\\x80"},                    // NUL in two bytes
        {"\xe0\x80\xaf", "\\xe0\\x80\\xaf"},           // "/" in three
        {"\xed\xa0\x80", "\\xed\\xa0\\x80"},           // a surrogate
        {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},  // beyond the last character
        {"\xc3", "\\xc3"},                             // cut off
        {"\xe6\x97", "\\xe6\\x97"},
        {"\xc3(", "\\xc3("},
        {"\xe2\x80\xa8", "\\xe2\\x80\\xa8"},  // LINE SEPARATOR
        {"\xe2\x80\xae"
         "exe",
         "\\xe2\\x80\\xaeexe"},               // RIGHT-TO-LEFT OVERRIDE
        {"\xef\xbb\xbf", "\\xef\\xbb\\xbf"},  // byte order mark
    };
    for (const auto& [text, shown] : cases) {
        EXPECT_EQ(printable(text), shown);
        EXPECT_EQ(is_printable(text), text == shown) << shown;
    }
}

TEST(Printable, WhateverGoesInComesOutPrintable) {
    std::mt19937 random{20};  // NOLINT(cert-msc51-cpp): the same bytes each time
    for (int i = 0; i < 20'000; ++i) {
        std::string text(random() % 12, '\0');
        for (auto& c : text) c = static_cast<char>(random());
        const auto shown = printable(text);
        ASSERT_TRUE(is_printable(shown)) << shown;
        ASSERT_EQ(printable(shown), shown);
    }
}

}  // namespace
}  // namespace berth::server
