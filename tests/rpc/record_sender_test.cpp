#include "rpc/net/record_sender.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <gtest/gtest.h>

namespace berth::rpc::net {
namespace {

class RecordSenders : public ::testing::Test {
protected:
    RecordSenders() {
        std::array<int, 2> ends{};
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
            throw std::runtime_error{"no pair of sockets"};
        const int small = 8192;
        ::setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
        near = ends[0];
        far = ends[1];
        sender = std::make_unique<RecordSender>(near);
    }
    ~RecordSenders() override {
        ::close(near);
        ::close(far);
    }

    static ExchangePtr reply_of(std::uint32_t number, std::size_t words) {
        auto exchange = std::make_unique<Exchange>();
        for (std::size_t i = 0; i < words; ++i) exchange->reply.u32(number);
        return exchange;
    }
    RecordSender::End send() {
        return sender->send(
            outbox, [this](ExchangePtr) { ++left; }, [] {});
    }
    /// Takes what the socket has, at most `bytes_max`.
    std::size_t read(std::size_t bytes_max = 65536) {
        std::vector<std::byte> bytes(bytes_max);
        const auto count = ::recv(far, bytes.data(), bytes.size(), MSG_DONTWAIT);
        const auto taken = count > 0 ? static_cast<std::size_t>(count) : 0;
        received.insert(received.end(), bytes.begin(),
                        bytes.begin() + static_cast<std::ptrdiff_t>(taken));
        return taken;
    }
    /// The number that each received record repeats; a record that is no such thing fails the test.
    std::vector<std::uint32_t> numbers() const {
        std::vector<std::uint32_t> found;
        xdr::Reader in{received};
        while (in.ok() && !in.rest().empty()) {
            const auto words = (in.u32() & 0x7FFFFFFF) / 4;
            const auto number = in.u32();
            for (std::uint32_t i = 1; i < words; ++i) {
                if (in.u32() == number) continue;
                ADD_FAILURE() << "record " << found.size() << " is mixed up";
                return found;
            }
            found.push_back(number);
        }
        EXPECT_TRUE(in.ok());
        return found;
    }

    int near = -1;
    int far = -1;
    std::unique_ptr<RecordSender> sender;
    Outbox outbox;
    int left = 0;
    std::vector<std::byte> received;
};

TEST_F(RecordSenders, AReplyLeavesAtOnce) {
    auto reply = reply_of(1, 10);
    EXPECT_EQ(sender->send_now(*reply), RecordSender::Now::sent);
    EXPECT_EQ(read(), 44U);
    EXPECT_EQ(numbers(), std::vector<std::uint32_t>{1});
}

TEST_F(RecordSenders, WhatIsBegunInTheOutboxLeavesFirst) {
    outbox.push(reply_of(1, 50'000));
    EXPECT_EQ(send(), RecordSender::End::would_block);
    auto reply = reply_of(2, 10);
    EXPECT_EQ(sender->send_now(*reply), RecordSender::Now::refused);
    do read();
    while (send() == RecordSender::End::would_block);
    EXPECT_EQ(sender->send_now(*reply), RecordSender::Now::sent);
    while (read() > 0) continue;
    EXPECT_EQ(numbers(), (std::vector<std::uint32_t>{1, 2}));
    EXPECT_EQ(left, 1);
}

TEST_F(RecordSenders, WhatAWorkerHasBegunLeavesFirst) {
    outbox.push(reply_of(1, 10));
    auto begun = reply_of(2, 50'000);
    EXPECT_EQ(sender->send_now(*begun), RecordSender::Now::begun);
    EXPECT_GT(begun->bytes_sent, 0U);
    EXPECT_EQ(send(), RecordSender::End::must_wait);
    auto other = reply_of(3, 10);
    EXPECT_EQ(sender->send_now(*other), RecordSender::Now::refused);
    outbox.push(std::move(begun));
    EXPECT_TRUE(outbox.has_begun());
    do read();
    while (send() == RecordSender::End::would_block);
    while (read() > 0) continue;
    EXPECT_EQ(numbers(), (std::vector<std::uint32_t>{2, 1}));
    EXPECT_EQ(left, 2);
    EXPECT_EQ(outbox.bytes(), 0U);
}

TEST_F(RecordSenders, AfterItsEndNothingIsSent) {
    sender->close();
    auto reply = reply_of(1, 10);
    EXPECT_EQ(sender->send_now(*reply), RecordSender::Now::refused);
    EXPECT_EQ(read(), 0U);
}

TEST_F(RecordSenders, APeerThatHasGoneIsAnError) {
    ::shutdown(far, SHUT_RDWR);
    auto reply = reply_of(1, 10);
    EXPECT_EQ(sender->send_now(*reply), RecordSender::Now::refused);
    outbox.push(std::move(reply));
    EXPECT_EQ(send(), RecordSender::End::failed);
}

// Three workers and the connection's thread send at the same time, and the peer reads in pieces.
TEST_F(RecordSenders, RecordsOfAllThreadsStayWhole) {
    constexpr std::uint32_t each = 400;
    constexpr std::uint32_t workers = 3;
    std::mutex lock;
    std::vector<ExchangePtr> returned;
    std::atomic<std::uint32_t> sent_by_workers{0};
    std::vector<std::jthread> threads;
    for (std::uint32_t worker = 0; worker < workers; ++worker)
        threads.emplace_back([&, worker] {
            for (std::uint32_t i = 0; i < each; ++i) {
                auto reply = reply_of(worker * each + i, 1 + (i * 37) % 3000);
                if (sender->send_now(*reply) == RecordSender::Now::sent) {
                    ++sent_by_workers;
                    continue;
                }
                const std::scoped_lock held{lock};
                returned.push_back(std::move(reply));
            }
        });
    std::atomic<bool> is_done{false};
    std::jthread reader{[&] {
        while (!is_done || read(3000) > 0) {
            pollfd wanted{far, POLLIN, 0};
            ::poll(&wanted, 1, 10);
            read(3000);
        }
    }};
    std::uint32_t pushed = 0;
    const auto all_left = [&] {
        return static_cast<std::uint32_t>(left) + sent_by_workers == (workers + 1) * each;
    };
    while (!all_left()) {
        {
            const std::scoped_lock held{lock};
            for (auto& reply : std::exchange(returned, {})) outbox.push(std::move(reply));
        }
        if (pushed < each) {
            outbox.push(reply_of(workers * each + pushed, 1 + pushed % 500));
            ++pushed;
        }
        ASSERT_NE(send(), RecordSender::End::failed);
    }
    is_done = true;
    reader.join();
    auto found = numbers();
    std::ranges::sort(found);
    ASSERT_EQ(found.size(), (workers + 1) * each);
    for (std::uint32_t i = 0; i < found.size(); ++i) ASSERT_EQ(found[i], i);
}

}  // namespace
}  // namespace berth::rpc::net
