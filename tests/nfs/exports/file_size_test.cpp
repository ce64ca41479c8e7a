// Long exports files: the time to read one grows with its length, whatever is in it.
#include <algorithm>
#include <cstddef>
#include <ctime>
#include <functional>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nfs/exports/exports.hpp"
#include "nfs/exports/file.hpp"

namespace berth::exports {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::size_t few = 1'000;
constexpr std::size_t many = 100 * few;
/// A hundred times as much takes a hundred times as long, or several hundred where the caches are
/// too small for it or are shared. If each entry were compared with all before it, it would be ten
/// thousand.
constexpr double ratio_max = 2'000;

/// The thread's own time, so that other programs do not count; the least of some runs.
double seconds_of(const std::function<void()>& work) {
    constexpr int runs = 2;
    const auto now = [] {
        timespec time{};
        ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
    };
    double least = 1e9;
    for (int run = 0; run < runs; ++run) {
        const auto begin = now();
        work();
        least = std::min(least, now() - begin);
    }
    return least;
}

std::string numbered_address(std::size_t number) {
    return "10." + std::to_string(number >> 16) + "." + std::to_string(number >> 8 & 255) + "." +
           std::to_string(number & 255);
}

std::string one_path(std::size_t clients, const std::function<std::string(std::size_t)>& client) {
    std::string text = "/srv";
    for (std::size_t number = 0; number < clients; ++number)
        text += " " + client(number) + "(rw)\\\n";
    return text + "\n";
}

std::string addresses_of_one_path(std::size_t count) {
    return one_path(count, numbered_address);
}

std::string hosts_of_one_path(std::size_t count) {
    return one_path(count, [](std::size_t number) { return "host" + std::to_string(number); });
}

std::string lines_of_one_path(std::size_t count) {
    std::string text;
    for (std::size_t number = 0; number < count; ++number)
        text += "/srv " + numbered_address(number) + "\n";
    return text;
}

std::string paths_with_fsids(std::size_t count) {
    std::string text;
    for (std::size_t number = 0; number < count; ++number)
        text += "/srv/" + std::to_string(number) + " *(fsid=" + std::to_string(number) + ")\n";
    return text;
}

TEST(LongExportsFiles, TakeTimeByTheirLength) {
    for (const auto text :
         {addresses_of_one_path, hosts_of_one_path, lines_of_one_path, paths_with_fsids}) {
        const auto time_of = [&](std::size_t count) {
            const auto file = text(count);
            return seconds_of([&] {
                const auto list = parse_exports(file, "F");
                EXPECT_THAT(list.problems, IsEmpty());
            });
        };
        EXPECT_LT(time_of(many), ratio_max * time_of(few)) << text(2);
    }
}

// Loading goes on where parsing ends.
TEST(LongExportsFiles, AreLoadedInTimeByTheirLength) {
    for (const auto text : {addresses_of_one_path, hosts_of_one_path, paths_with_fsids}) {
        const auto time_of = [&](std::size_t count) {
            const auto list = parse_exports(text(count), "F");
            return seconds_of([&] {
                std::vector<Export> all;
                all.reserve(list.exports.size());
                for (const auto& listed : list.exports)
                    all.push_back(make_export(listed.path, {}, listed.clients, listed.fsid));
                Exports exports;
                exports.replace(all);
                exports.replace(std::move(all));
            });
        };
        EXPECT_LT(time_of(many), ratio_max * time_of(few)) << text(2);
    }
}

TEST(LongExportsFiles, HaveAllTheirEntries) {
    constexpr std::size_t all = 100'000;
    const auto list = parse_exports(addresses_of_one_path(all), "F");
    ASSERT_EQ(list.exports.size(), 1U);
    const auto& clients = list.exports[0].clients;
    ASSERT_EQ(clients.size(), all);
    for (const std::size_t number : {std::size_t{0}, all / 2, all - 1}) {
        EXPECT_EQ(clients[number].client.text(), numbered_address(number));
        EXPECT_EQ(clients[number].where.line, number + 1);
    }
    const Table table{{make_export("/srv", {}, clients)}};
    const auto& exported = table.all()[0];
    const auto rule = table.admit(
        exported, {.client = *ClientAddress::parse(numbered_address(all / 2)), .port = 700});
    ASSERT_TRUE(rule);
    EXPECT_EQ((*rule)->where.line, all / 2 + 1);
    EXPECT_FALSE(table.admit(exported, {.client = *ClientAddress::parse("10.99.0.1"), .port = 1}));
}

TEST(LongExportsFiles, TwinsAreFoundWhereverTheyAre) {
    FileParser parser;
    parser.add(addresses_of_one_path(few), "F");
    parser.add("/srv " + numbered_address(few / 2) + "(ro)\n/srv h\n/srv/ h\n", "G");
    const auto list = std::move(parser).take();
    std::vector<std::string> problems;
    for (const auto& problem : list.problems) problems.push_back(problem.text());
    EXPECT_THAT(problems, ElementsAre("G:1:6: '" + numbered_address(few / 2) +
                                          "(ro)': /srv has this client already, at F:" +
                                          std::to_string(few / 2 + 1) + ":2",
                                      "G:3:7: 'h': /srv has this client already, at G:2:6"));
}

TEST(LongExportsFiles, FsidsOfOthersAreFoundWhereverTheyAre) {
    const auto last = std::to_string(few - 1);
    const auto list = parse_exports(paths_with_fsids(few) + "/other *(fsid=" + last +
                                        ")\n/srv/7 h(fsid=8)\n/srv/7 g(fsid=7)\n",
                                    "F");
    std::vector<std::string> problems;
    for (const auto& problem : list.problems) problems.push_back(problem.what);
    EXPECT_THAT(problems, ElementsAre("/srv/" + last + " has this fsid already",
                                      "/srv/7 has another fsid already"));
}

}  // namespace
}  // namespace berth::exports
