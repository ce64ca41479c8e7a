#include "rpc/threads/background.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <future>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>

#include <pthread.h>

#include <gtest/gtest.h>

#include "tests/support/becomes_true.hpp"
#include "tests/support/gate.hpp"

namespace berth::threads {
namespace {

using std::chrono::milliseconds;
using test::becomes_true;

void wait_for_stop(const std::stop_token& stop) {
    std::mutex lock;
    std::unique_lock held{lock};
    std::condition_variable_any asked;
    asked.wait(held, stop, [] { return false; });
}

std::string name_of_this_thread() {
    std::array<char, 16> name{};
    ::pthread_getname_np(::pthread_self(), name.data(), name.size());
    return name.data();
}

std::string name_of_thread_called(std::string name) {
    std::promise<std::string> told;
    const Background thread{std::move(name),
                            [&](const auto&) { told.set_value(name_of_this_thread()); }};
    return told.get_future().get();
}

TEST(BackgroundThreads, HaveNamesThatTell) {
    EXPECT_EQ(name_of_thread_called("net-0"), "berth-net-0");
    EXPECT_EQ(name_of_thread_called("much-too-long"), "berth-much-too-");
}

TEST(BackgroundThreads, CanBeWaitedForWithoutBeingAskedToStop) {
    std::promise<void> ends;
    Background thread{"ends",
                      [may_end = ends.get_future().share()](const auto&) { may_end.wait(); }};
    EXPECT_FALSE(thread.await_end(milliseconds{1}));
    ends.set_value();
    EXPECT_TRUE(thread.await_end(test::patience));
}

TEST(BackgroundThreads, CanBeLeftToThemselves) {
    std::promise<void> ends;
    std::promise<void> begins;
    auto has_ended = std::make_shared<std::promise<void>>();
    {
        Background thread{"stuck",
                          [&begins, may_end = ends.get_future().share(), has_ended](const auto&) {
                              begins.set_value();
                              may_end.wait();
                              has_ended->set_value();
                          }};
        begins.get_future().wait();
        EXPECT_FALSE(thread.stop(milliseconds{1}));
        thread.leave();
    }
    ends.set_value();
    EXPECT_EQ(has_ended->get_future().wait_for(test::patience), std::future_status::ready);
}

TEST(BackgroundThreads, EndWhenTheyAreAskedTo) {
    Background thread{"waits", wait_for_stop};
    EXPECT_TRUE(thread);
    EXPECT_TRUE(thread.stop(test::patience));
    EXPECT_TRUE(thread.stop(milliseconds{0})) << "again";
    Background none;
    EXPECT_FALSE(none);
    EXPECT_TRUE(none.stop(milliseconds{0}));
    none = Background{"waits", wait_for_stop};
    none = Background{};
    EXPECT_FALSE(none);
}

TEST(BackgroundThreads, ThatAreStuckAreNotWaitedForLongerThanAsked) {
    test::Gate gate;
    gate.close();
    Background thread{"stuck", [&](const auto&) { gate.pass(); }};
    gate.await_held_back(1);
    EXPECT_FALSE(thread.stop(milliseconds{1}));
    gate.open();
    EXPECT_TRUE(thread.stop(test::patience));
}

TEST(BackgroundThreads, GoOnAfterAnException) {
    std::atomic<int> runs{0};
    Background thread{"fails", [&](const std::stop_token& stop) {
                          if (++runs == 1) throw std::runtime_error{"just once"};
                          wait_for_stop(stop);
                      }};
    EXPECT_TRUE(becomes_true([&] { return runs == 2; }));
    EXPECT_TRUE(thread.stop(test::patience));
}

TEST(BackgroundThreads, ThatFailEachTimeEndWhenTheyAreAskedTo) {
    std::atomic<int> runs{0};
    Background thread{"fails", [&](const auto&) {
                          ++runs;
                          throw std::runtime_error{"again"};
                      }};
    EXPECT_TRUE(becomes_true([&] { return runs > 0; }));
    EXPECT_TRUE(thread.stop(test::patience));
    EXPECT_LE(runs, 30) << "it pauses";
}

}  // namespace
}  // namespace berth::threads
