// What people read about the options of exports(5), against what the parser takes.
#include "nfs/exports/file_options.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nfs/exports/file.hpp"
#include "nfs/exports/parsing/options.hpp"

namespace berth::exports {
namespace {

using ::testing::IsEmpty;

/// Each form on its own: "mountpoint[=PATH]" is two.
std::vector<std::string> forms_of(std::string_view names) {
    std::vector<std::string> forms;
    while (!names.empty()) {
        const auto name = names.substr(0, names.find(", "));
        names.remove_prefix(std::min(name.size() + 2, names.size()));
        const auto bracket = name.find('[');
        forms.emplace_back(name.substr(0, bracket));
        if (bracket == std::string_view::npos) continue;
        const auto value = name.substr(bracket + 1, name.find(']') - bracket - 1);
        forms.push_back(forms.back() + std::string{value});
    }
    return forms;
}

/// With something in the place of each word that stands for a value.
std::string filled_in(std::string form) {
    constexpr std::pair<std::string_view, std::string_view> values[]{
        {"FIRST-LAST:SERVER", "1000-1999:101000"},
        {"UUID", "01234567-89ab-cdef-0123-456789abcdef"},
        {"NUMBER", "7"},
        {"PATH", "/mnt"},
        {"UID", "1000"},
        {"GID", "100"},
    };
    for (const auto& [word, value] : values)
        if (const auto at = form.find(word); at != std::string::npos)
            form.replace(at, word.size(), value);
    return form;
}

TEST(FileOptions, WhatIsDocumentedParses) {
    for (const auto& option : file_options()) {
        for (const auto& form : forms_of(option.names)) {
            const auto list = parse_exports("/srv *(" + filled_in(form) + ")\n", "F");
            EXPECT_THAT(list.problems, IsEmpty()) << list.problems.front().text();
        }
    }
}

TEST(FileOptions, WhatParsesIsDocumented) {
    std::set<std::string> documented;
    for (const auto& option : file_options())
        for (const auto& form : forms_of(option.names))
            documented.insert(form.substr(0, form.find('=')));
    const auto taken = parsing::option_names();
    EXPECT_EQ(documented, (std::set<std::string>{taken.begin(), taken.end()}));
}

TEST(FileOptions, EverythingHasASentence) {
    for (const auto& option : file_options()) {
        EXPECT_TRUE(option.summary.ends_with('.')) << option.names;
        // One of the names is what holds without any, or it is said in words or numbers.
        const auto forms = forms_of(option.names);
        const bool is_name = std::ranges::find(forms, option.fallback) != forms.end();
        const bool has_value = option.names.find('=') != std::string_view::npos;
        EXPECT_TRUE(option.fallback.empty() || is_name || has_value) << option.names;
    }
}

// As an exports file of another server has them.
TEST(FileOptions, OptionsThatChangeNothingChangeNothing) {
    const auto plain = parse_exports("/srv *(rw)\n", "F");
    const auto full =
        parse_exports("/srv *(rw,no_subtree_check,no_wdelay,no_acl,pnfs,insecure_locks,no_auth_nlm,"
                      "xprtsec=none:tls:mtls)\n",
                      "F");
    EXPECT_THAT(full.problems, IsEmpty());
    ASSERT_EQ(full.exports.size(), 1U);
    EXPECT_EQ(full.exports[0].clients[0].sys, plain.exports[0].clients[0].sys);
    EXPECT_EQ(full.exports[0].clients[0].none, plain.exports[0].clients[0].none);
}

TEST(FileOptions, OptionsThatWouldChangeSomethingAreRefused) {
    const std::pair<std::string, std::string> table[]{
        {"refer=/srv@host", "berth does not support this option"},
        {"replicas=/srv@host", "berth does not support this option"},
        {"security_label", "berth does not support this option"},
        {"xprtsec=tls", "berth has no TLS, so no client could mount without 'none'"},
        {"xprtsec=tls:mtls", "berth has no TLS, so no client could mount without 'none'"},
        {"xprtsec=none:ipsec", "expected a list of none, tls and mtls"},
        {"xprtsec=", "expected a list of none, tls and mtls"},
        {"xprtsec", "this option needs a value, as xprtsec=..."},
    };
    for (const auto& [option, what] : table) {
        const auto list = parse_exports("/srv *(" + option + ")\n", "F");
        ASSERT_EQ(list.problems.size(), 1U) << option;
        EXPECT_EQ(list.problems[0].what, what) << option;
    }
}

}  // namespace
}  // namespace berth::exports
