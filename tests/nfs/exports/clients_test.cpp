// Which entry decides for which client, what is found out about clients for that, and what becomes
// of it when exports are replaced.
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nfs/exports/exports.hpp"
#include "nfs/vfs/memory.hpp"

namespace berth::exports {
namespace {

using ::testing::SizeIs;

ClientAddress address(std::string_view text) {
    return *ClientAddress::parse(text);
}

std::vector<Export> exports_of(std::string_view text, std::shared_ptr<vfs::FileSystem> files = {}) {
    const auto list = parse_exports(text, "F");
    for (const auto& problem : list.problems) ADD_FAILURE() << problem.text();
    std::vector<Export> exports;
    for (const auto& listed : list.exports)
        exports.push_back(make_export(listed.path, files, listed.clients, listed.fsid));
    return exports;
}

/// A directory that knows what it is told, counts, and can be made to say nothing or to take long.
class Hosts final : public HostDirectory {
public:
    std::map<std::string, std::vector<std::string>> names_of;      // by address
    std::map<std::string, std::vector<std::string>> addresses_of;  // by host
    std::map<std::string, std::vector<std::string>> members_of;    // by netgroup
    std::atomic<bool> is_silent = false;
    std::atomic<bool> is_silent_about_v6 = false;
    std::atomic<bool> has_more_names = false;
    std::atomic<int> asked = 0;

    /// From now on until let_go() nobody gets an answer.
    void hold() {
        const std::scoped_lock held{lock_};
        is_held_ = true;
    }
    void let_go() {
        {
            const std::scoped_lock held{lock_};
            is_held_ = false;
        }
        changed_.notify_all();
    }
    template <class Change>
    void change(Change what) {
        const std::scoped_lock held{lock_};
        what();
    }

    HostNames names(const ClientAddress& client) override {
        ++asked;
        std::unique_lock held{lock_};
        changed_.wait(held, [this] { return !is_held_; });
        if (is_silent) return {.found = {}, .is_whole = false};
        return {.found = names_of[client.text()], .is_whole = !has_more_names};
    }
    HostAddresses addresses(const std::string& host) override {
        const std::scoped_lock held{lock_};
        if (is_silent) return {.found = {}, .has_all_v4 = false, .has_all_v6 = false};
        HostAddresses known{.found = {}, .has_all_v6 = !is_silent_about_v6};
        for (const auto& text : addresses_of[host]) known.found.push_back(address(text));
        return known;
    }
    Membership is_member(const std::string& netgroup, const std::string& host) override {
        const std::scoped_lock held{lock_};
        if (is_silent) return Membership::unknown;
        const auto& members = members_of[netgroup];
        const bool is_in = std::ranges::find(members, host) != members.end();
        return is_in ? Membership::yes : Membership::no;
    }

private:
    std::mutex lock_;
    std::condition_variable changed_;
    bool is_held_ = false;
};

/// Waits for what other threads do, not for the clock.
void eventually(const std::function<bool()>& condition, const char* what) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{20};
    while (!condition()) {
        if (std::chrono::steady_clock::now() > deadline)
            return ADD_FAILURE() << "in vain: " << what;
        std::this_thread::yield();
    }
}

class ExportClients : public ::testing::Test {
protected:
    /// The column of the entry that decides in "/srv ...", or why none does.
    static std::string decides(const Exports& exports, const std::string& client,
                               std::uint16_t port = 1) {
        const auto table = exports.pin();
        const auto rule =
            table->admit(table->all().front(), {.client = address(client), .port = port});
        if (rule) return (*rule)->client.text();
        return rule.error() == Refusal::unlisted  ? "unlisted"
               : rule.error() == Refusal::unknown ? "unknown"
                                                  : "insecure port";
    }
    std::string learned(const Exports& exports, const std::string& client) {
        EXPECT_TRUE(exports.learn(address(client))) << client;
        return decides(exports, client);
    }

    Exports make(std::string_view text) { return Exports{exports_of(text), &hosts, limits}; }

    Hosts hosts;
    Exports::Limits limits;
};

TEST_F(ExportClients, TheMostSpecificEntryDecidesWhateverTheOrder) {
    const auto exports = make("/srv * 192.0.2.0/24 192.0.2.7 2001:db8::/32 192.0.0.0/16");
    EXPECT_EQ(decides(exports, "192.0.2.7"), "192.0.2.7");
    EXPECT_EQ(decides(exports, "::ffff:192.0.2.7"), "192.0.2.7");
    EXPECT_EQ(decides(exports, "192.0.2.8"), "192.0.2.0/24");
    EXPECT_EQ(decides(exports, "192.0.3.8"), "192.0.0.0/16");
    EXPECT_EQ(decides(exports, "2001:db8::1"), "2001:db8::/32");
    EXPECT_EQ(decides(exports, "203.0.113.1"), "*");
    EXPECT_EQ(hosts.asked, 0) << "addresses need no names";
    EXPECT_TRUE(exports.learn(address("203.0.113.1"))) << "there is nothing to find out";
    EXPECT_EQ(hosts.asked, 0);
}

TEST_F(ExportClients, OfOneKindTheFirstDecides) {
    EXPECT_EQ(decides(make("/srv 192.0.0.0/16 192.0.2.0/24"), "192.0.2.1"), "192.0.0.0/16");
    EXPECT_EQ(decides(make("/srv 192.0.2.0/24 192.0.0.0/16"), "192.0.2.1"), "192.0.2.0/24");
}

TEST_F(ExportClients, WhomNoEntryMeansIsUnlisted) {
    const auto exports = make("/srv 192.0.2.0/24 2001:db8::1");
    EXPECT_EQ(decides(exports, "192.0.3.1"), "unlisted");
    EXPECT_EQ(decides(exports, "2001:db8::2"), "unlisted");
    EXPECT_EQ(decides(exports, "::1"), "unlisted");
}

TEST_F(ExportClients, APortFrom1024OnIsInsecure) {
    const auto exports = make("/srv 192.0.2.1 192.0.2.2(insecure)");
    EXPECT_EQ(decides(exports, "192.0.2.1", 1023), "192.0.2.1");
    EXPECT_EQ(decides(exports, "192.0.2.1", 1024), "insecure port");
    EXPECT_EQ(decides(exports, "192.0.2.2", 65535), "192.0.2.2");
}

TEST_F(ExportClients, NamesAreFoundOutAndThenKnown) {
    hosts.names_of = {{"192.0.2.1", {"a.lab.example", "alias.other.example"}},
                      {"192.0.2.2", {"b.lab.example"}},
                      {"192.0.2.3", {"c.other.example"}},
                      {"2001:db8::1", {"a.lab.example"}}};
    hosts.addresses_of = {{"chosen", {"192.0.2.2", "2001:db8::9"}}};
    hosts.members_of = {{"trusted", {"c.other.example", "192.0.2.4"}}};
    const auto exports =
        make("/srv @trusted *.lab.example(rw) chosen 192.0.2.5 -ro *.other.example");
    EXPECT_EQ(decides(exports, "192.0.2.1"), "unknown");
    EXPECT_EQ(decides(exports, "192.0.2.5"), "unknown") << "an earlier host entry may mean it";
    EXPECT_EQ(learned(exports, "192.0.2.1"), "*.lab.example");
    EXPECT_EQ(learned(exports, "2001:db8::1"), "*.lab.example");
    EXPECT_EQ(learned(exports, "192.0.2.2"), "chosen");
    EXPECT_EQ(learned(exports, "2001:db8::9"), "chosen");
    EXPECT_EQ(learned(exports, "192.0.2.3"), "*.other.example") << "wildcards before netgroups";
    EXPECT_EQ(learned(exports, "192.0.2.4"), "@trusted") << "by its address";
    EXPECT_EQ(learned(exports, "192.0.2.5"), "192.0.2.5");
    EXPECT_EQ(learned(exports, "192.0.2.6"), "unlisted");
    const int before = hosts.asked;
    EXPECT_EQ(learned(exports, "192.0.2.1"), "*.lab.example");
    EXPECT_EQ(hosts.asked, before) << "known clients are not asked about";
}

TEST_F(ExportClients, AnAddressEntryBeforeTheNamesNeedsNone) {
    const auto exports = make("/srv 192.0.2.5 chosen * *.lab.example");
    EXPECT_EQ(decides(exports, "192.0.2.5"), "192.0.2.5");
    EXPECT_EQ(hosts.asked, 0);
}

TEST_F(ExportClients, WithoutADirectoryTheyStayUnknown) {
    const Exports exports{exports_of("/srv *.lab.example")};
    EXPECT_FALSE(exports.learn(address("192.0.2.1")));
    EXPECT_EQ(decides(exports, "192.0.2.1"), "unknown");
}

TEST_F(ExportClients, WhoWaitsTooLongIsToldSo) {
    limits.patience = std::chrono::milliseconds{1};
    const auto exports = make("/srv *.lab.example");
    hosts.hold();
    EXPECT_FALSE(exports.learn(address("192.0.2.1")));
    EXPECT_EQ(decides(exports, "192.0.2.1"), "unknown");
    hosts.names_of = {{"192.0.2.1", {"a.lab.example"}}};
    hosts.let_go();
    eventually([&] { return decides(exports, "192.0.2.1") == "*.lab.example"; }, "the answer");
}

TEST_F(ExportClients, NotTooManyWait) {
    limits.waiting_max = 0;
    limits.patience = std::chrono::hours{1};
    const auto exports = make("/srv *.lab.example");
    EXPECT_FALSE(exports.learn(address("192.0.2.1")));
    eventually([&] { return decides(exports, "192.0.2.1") == "unlisted"; }, "the answer");
}

TEST_F(ExportClients, OldAnswersAreAskedForAgainWhileTheyServe) {
    limits.answers_last = std::chrono::milliseconds{0};
    hosts.names_of = {{"192.0.2.1", {"a.lab.example"}}};
    const auto exports = make("/srv *.lab.example");
    EXPECT_EQ(learned(exports, "192.0.2.1"), "*.lab.example");
    hosts.change([&] { hosts.names_of = {{"192.0.2.1", {"a.elsewhere.example"}}}; });
    hosts.hold();
    exports.sweep();
    EXPECT_EQ(decides(exports, "192.0.2.1"), "*.lab.example") << "until there is a new answer";
    hosts.let_go();
    eventually([&] { return decides(exports, "192.0.2.1") == "unlisted"; }, "the new answer");
}

TEST_F(ExportClients, WhoIsGoneIsForgotten) {
    limits.answers_last = std::chrono::milliseconds{0};
    const auto exports = make("/srv *.lab.example");
    EXPECT_EQ(learned(exports, "192.0.2.1"), "unlisted");
    // To look is to be there again: to be asked about once more, and forgotten only after that.
    eventually(
        [&] {
            const int asked = hosts.asked;
            exports.sweep();
            for (int i = 0; i < 100'000 && hosts.asked == asked; ++i) std::this_thread::yield();
            for (int i = 0; i < 1000; ++i) {
                exports.sweep();
                std::this_thread::yield();
            }
            return decides(exports, "192.0.2.1") == "unknown";
        },
        "the client to be forgotten");
    EXPECT_GT(hosts.asked, 1);
}

TEST_F(ExportClients, WhenNobodyCanBeAskedOldAnswersHold) {
    limits.answers_last = limits.retry_after = std::chrono::milliseconds{0};
    hosts.names_of = {{"192.0.2.1", {"a.lab.example"}}};
    const auto exports = make("/srv *.lab.example");
    EXPECT_EQ(learned(exports, "192.0.2.1"), "*.lab.example");
    hosts.is_silent = true;
    for (int asked = hosts.asked; hosts.asked < asked + 3;) {
        ASSERT_EQ(decides(exports, "192.0.2.1"), "*.lab.example");
        exports.sweep();
    }
    EXPECT_EQ(decides(exports, "192.0.2.2"), "unknown") << "of whom nothing was known";
}

TEST_F(ExportClients, AWiderEntryDoesNotDecideWhileNobodyCanBeAsked) {
    hosts.is_silent = true;
    for (const auto* narrower : {"guest.lab.example", "*.lab.example", "@guests"}) {
        const auto exports = make("/srv " + std::string{narrower} + "(ro) *(rw)");
        EXPECT_EQ(learned(exports, "192.0.2.1"), "unknown") << narrower;
        EXPECT_EQ(learned(exports, "2001:db8::1"), "unknown") << narrower;
    }
    const auto exports = make("/srv guest.lab.example(ro) 192.0.2.0/24(rw) @guests");
    EXPECT_EQ(learned(exports, "192.0.2.1"), "unknown") << "the host comes before the network";
    const auto later = make("/srv 192.0.2.0/24(rw) *.lab.example(ro)");
    EXPECT_EQ(decides(later, "192.0.2.1"), "192.0.2.0/24") << "what comes first decides";
}

TEST_F(ExportClients, WhatCouldNotBeAskedIsAskedAgain) {
    limits.retry_after = std::chrono::milliseconds{1};
    hosts.is_silent = true;
    const auto exports = make("/srv guest(ro) *(rw)");
    EXPECT_EQ(decides(exports, "192.0.2.1"), "unknown");
    static_cast<void>(exports.learn(address("192.0.2.1")));
    EXPECT_EQ(decides(exports, "192.0.2.1"), "unknown");
    hosts.is_silent = false;
    eventually(
        [&] {
            exports.sweep();
            return decides(exports, "192.0.2.1") == "*";
        },
        "the answer");
}

TEST_F(ExportClients, OldAnswersDoNotHoldForEver) {
    limits.answers_last = limits.retry_after = std::chrono::milliseconds{0};
    limits.old_answers_last = std::chrono::milliseconds{50};
    hosts.names_of = {{"192.0.2.1", {"a.lab.example"}}};
    const auto exports = make("/srv *.lab.example");
    EXPECT_EQ(learned(exports, "192.0.2.1"), "*.lab.example");
    hosts.is_silent = true;
    eventually(
        [&] {
            exports.sweep();
            return decides(exports, "192.0.2.1") == "unknown";
        },
        "the end of the old answer");
}

TEST_F(ExportClients, OneFamilyThatIsNotKnownLeavesTheOtherAlone) {
    hosts.is_silent_about_v6 = true;
    hosts.addresses_of = {{"guest", {"192.0.2.1"}}};
    const auto exports = make("/srv guest(ro) *(rw)");
    EXPECT_EQ(learned(exports, "192.0.2.1"), "guest");
    EXPECT_EQ(learned(exports, "192.0.2.2"), "*");
    EXPECT_EQ(learned(exports, "2001:db8::1"), "unknown");
}

TEST_F(ExportClients, ANameThatMayBeThereIsNoNo) {
    hosts.names_of = {{"192.0.2.1", {"a.lab.example"}}, {"192.0.2.2", {"a.other.example"}}};
    hosts.members_of = {{"trusted", {"a.lab.example"}}};
    hosts.has_more_names = true;
    const auto exports = make("/srv *.lab.example(ro) @trusted *(rw)");
    EXPECT_EQ(learned(exports, "192.0.2.1"), "*.lab.example");
    EXPECT_EQ(learned(exports, "192.0.2.2"), "unknown");
}

TEST_F(ExportClients, WhatIsAskedSinceAReloadDoesNotMakeTheRestForgotten) {
    hosts.names_of = {{"192.0.2.1", {"a.lab.example"}}};
    auto exports = make("/srv *.lab.example");
    EXPECT_EQ(learned(exports, "192.0.2.1"), "*.lab.example");
    hosts.is_silent = true;
    exports.replace(exports_of("/srv *.lab.example @trusted"));
    EXPECT_EQ(decides(exports, "192.0.2.1"), "*.lab.example");
    exports.replace(exports_of("/srv chosen *.lab.example"));
    EXPECT_EQ(decides(exports, "192.0.2.1"), "unknown");
}

TEST_F(ExportClients, NoMoreClientsAreRememberedThanAllowed) {
    limits.clients_max = 2;
    const auto exports = make("/srv *.lab.example");
    for (const auto* client : {"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"})
        EXPECT_EQ(learned(exports, client), "unlisted");
    int known = 0;
    for (const auto* client : {"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"})
        known += decides(exports, client) == "unlisted";
    EXPECT_EQ(known, 2);
}

TEST_F(ExportClients, ReplacingKeepsWhatIsKnown) {
    hosts.names_of = {{"192.0.2.1", {"a.lab.example"}}};
    hosts.members_of = {{"trusted", {"a.lab.example"}}};
    auto exports = make("/srv @trusted *.lab.example");
    EXPECT_EQ(learned(exports, "192.0.2.1"), "*.lab.example");
    const int asked = hosts.asked;
    exports.replace(exports_of("/other *\n/srv @trusted(rw) 192.0.2.9"));
    EXPECT_EQ(decides(exports, "192.0.2.1"), "*");
    const auto table = exports.pin();
    const auto rule = table->admit(table->all()[1], {.client = address("192.0.2.1"), .port = 1});
    ASSERT_TRUE(rule);
    EXPECT_EQ((*rule)->client.text(), "@trusted");
    EXPECT_EQ(hosts.asked, asked);
    exports.replace(exports_of("/srv other.example *.lab.example"));
    EXPECT_EQ(decides(exports, "192.0.2.1"), "unknown") << "there is a new question";
    EXPECT_EQ(learned(exports, "192.0.2.1"), "*.lab.example");
}

TEST(ExportsInForce, APinnedTableStaysAsItWas) {
    auto files = std::shared_ptr{vfs::memory::make()};
    const std::weak_ptr<vfs::FileSystem> watched = files;
    Exports exports{exports_of("/a *", std::exchange(files, {}))};
    auto pinned = exports.pin();
    exports.replace(exports_of("/b *"));
    exports.sweep();
    EXPECT_EQ(pinned->all().front().path, "/a");
    EXPECT_EQ(exports.pin()->all().front().path, "/b");
    EXPECT_FALSE(watched.expired());
    pinned = {};
    exports.sweep();
    EXPECT_TRUE(watched.expired()) << "what nobody uses is let go of";
}

TEST(ExportsInForce, TwinsChangeNothing) {
    Exports exports{exports_of("/a *")};
    auto twins = exports_of("/b *");
    twins.push_back(make_export("/b", nullptr));
    EXPECT_THROW(exports.replace(std::move(twins)), std::invalid_argument);
    EXPECT_EQ(exports.pin()->all().front().path, "/a");
}

TEST(ExportsInForce, TooManyTablesInUseAreRefused) {
    Exports exports{exports_of("/a *")};
    std::vector<Exports::Pin> pins;
    const auto pin_and_replace = [&] {
        pins.push_back(exports.pin());
        exports.replace(exports_of("/b *"));
    };
    constexpr int far_too_many = 10'000;
    int tables = 0;
    try {
        for (; tables < far_too_many; ++tables) pin_and_replace();
    } catch (const std::runtime_error&) {
    }
    EXPECT_GT(tables, 16);
    EXPECT_LT(tables, far_too_many);
    EXPECT_EQ(exports.pin()->all().front().path, "/b");
    pins.erase(pins.begin());
    EXPECT_NO_THROW(exports.replace(exports_of("/c *")));
    EXPECT_EQ(exports.pin()->all().front().path, "/c");
}

TEST(ExportsInForce, ReadersSeeWholeTablesWhileTheyAreReplaced) {
    constexpr int replacements = 2000;
    const auto generation = [](int n) {
        const auto number = std::to_string(n);
        return exports_of("/a" + number + " *(anonuid=" + number + ")\n/b" + number +
                          " *(anonuid=" + number + ")");
    };
    Exports exports{generation(0)};
    std::atomic<bool> is_over = false;
    std::atomic<int> torn = 0;
    const auto read = [&] {
        const int mine = 0;
        while (!is_over) {
            const auto table = exports.pin(&mine);
            if (table->all().size() != 2) ++torn;
            const auto& a = table->all().front();
            const auto& b = table->all().back();
            const auto rule = table->admit(b, {.client = address("192.0.2.1"), .port = 1});
            const auto number = std::to_string((*rule)->sys->anonymous_uid);
            if (a.path != "/a" + number || b.path != "/b" + number) ++torn;
            if (table->find(a.id) != &a) ++torn;
        }
    };
    std::vector<std::thread> readers;
    for (int n = 0; n < 3; ++n) readers.emplace_back(read);
    for (int n = 1; n <= replacements; ++n) exports.replace(generation(n));
    is_over = true;
    for (auto& reader : readers) reader.join();
    EXPECT_EQ(torn, 0);
    EXPECT_EQ(exports.pin()->all().front().path, "/a" + std::to_string(replacements));
}

TEST(ExportIds, FollowFromAGivenFsid) {
    const GivenFsid seven{7, "7"};
    const auto one = make_export("/a", nullptr, std::vector<ClientRule>(1), seven);
    const auto moved = make_export("/b", nullptr, std::vector<ClientRule>(1), seven);
    EXPECT_EQ(one.id, moved.id) << "handles stay good when a path changes";
    EXPECT_EQ(one.fsid, 7U);
    EXPECT_NE(one.id, make_export("/a", nullptr).id);
    EXPECT_NE(one.id, make_export("/a", nullptr, std::vector<ClientRule>(1), GivenFsid{8, "8"}).id);
}

}  // namespace
}  // namespace berth::exports
