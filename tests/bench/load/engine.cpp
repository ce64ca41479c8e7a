#include "tests/bench/load/engine.hpp"

#include <array>
#include <bit>
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <memory>
#include <set>
#include <stdexcept>
#include <system_error>

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <limits.h>

namespace berth::bench {

std::atomic<bool> must_stop{false};

namespace {

constexpr std::size_t receive_bytes = 256 * 1024;
constexpr std::size_t head_bytes = 512;
constexpr int patience_ms = 60'000;
constexpr std::uint64_t errors_shown = 5;
constexpr std::uint64_t errors_max = 1000;

std::uint64_t now_ns() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
           static_cast<std::uint64_t>(now.tv_nsec);
}

double own_cpu_us() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto us = [](const timeval& t) {
        return static_cast<double>(t.tv_sec) * 1e6 + static_cast<double>(t.tv_usec);
    };
    return us(usage.ru_utime) + us(usage.ru_stime);
}

/// What is to be sent, and the records that come back. Only the beginning of a long record is kept.
class Connection {
public:
    explicit Connection(const sockaddr_in& server) : socket_{connect_to(server)} {
        ::fcntl(socket_, F_SETFL, ::fcntl(socket_, F_GETFL) | O_NONBLOCK);
    }
    ~Connection() { ::close(socket_); }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    [[nodiscard]] int socket() const { return socket_; }

    void queue(View bytes) {
        if (!bytes.empty()) unsent_.push_back({const_cast<std::byte*>(bytes.data()), bytes.size()});
    }

    /// Whether all is sent now; otherwise the socket is full.
    bool flush() {
        while (first_unsent_ < unsent_.size()) {
            msghdr message{};
            message.msg_iov = unsent_.data() + first_unsent_;
            message.msg_iovlen = std::min<std::size_t>(unsent_.size() - first_unsent_, IOV_MAX);
            const auto sent = ::sendmsg(socket_, &message, MSG_NOSIGNAL);
            if (sent < 0 && errno == EAGAIN) return false;
            if (sent < 0) throw std::system_error(errno, std::generic_category(), "send");
            advance(static_cast<std::size_t>(sent));
        }
        unsent_.clear();
        first_unsent_ = 0;
        return true;
    }

    /// Takes in what is there; false when nothing is.
    bool receive() {
        const auto got = ::recv(socket_, buffer_.data() + end_, buffer_.size() - end_, 0);
        if (got < 0 && errno == EAGAIN) return false;
        if (got < 0) throw std::system_error(errno, std::generic_category(), "receive");
        if (got == 0) throw std::runtime_error("the server closed a connection");
        end_ += static_cast<std::size_t>(got);
        return true;
    }

    /// Calls `use(head, size)` for each record that is complete.
    template <class Use>
    void records(Use use) {
        std::size_t at = 0;
        for (std::size_t used = 1; used != 0; at += used) used = one_record(at, use);
        std::memmove(buffer_.data(), buffer_.data() + at, end_ - at);
        end_ -= at;
    }

private:
    void advance(std::size_t sent) {
        while (sent > 0) {
            iovec& part = unsent_[first_unsent_];
            const std::size_t taken = std::min(sent, part.iov_len);
            part.iov_base = static_cast<std::byte*>(part.iov_base) + taken;
            part.iov_len -= taken;
            sent -= taken;
            if (part.iov_len == 0) ++first_unsent_;
        }
    }

    template <class Use>
    std::size_t one_record(std::size_t at, Use& use) {
        const std::size_t have = end_ - at;
        if (to_skip_ > 0) {
            const std::size_t skipped = std::min(to_skip_, have);
            to_skip_ -= skipped;
            if (to_skip_ == 0) use(View{head_}, skipped_size_);
            return skipped;
        }
        if (have < 4) return 0;
        const std::uint32_t mark = get_u32(buffer_.data() + at);
        if ((mark & last_fragment) == 0) throw std::runtime_error("a reply in fragments");
        const std::size_t size = mark & ~last_fragment;
        const View record = View{buffer_}.subspan(at + 4, std::min(size, have - 4));
        if (record.size() == size) {
            use(record, size);
            return 4 + size;
        }
        if (record.size() < head_bytes) return 0;
        std::memcpy(head_.data(), record.data(), head_bytes);
        to_skip_ = size - head_bytes;
        skipped_size_ = size;
        return 4 + head_bytes;
    }

    int socket_;
    std::vector<iovec> unsent_;
    std::size_t first_unsent_ = 0;
    Bytes buffer_ = Bytes(receive_bytes);
    std::size_t end_ = 0;
    std::array<std::byte, head_bytes> head_{};
    std::size_t skipped_size_ = 0;
    std::size_t to_skip_ = 0;
};

class Engine {
public:
    Engine(const Plan& plan, std::vector<Slot>& slots)
        : plan_{plan},
          slots_{slots},
          slot_bits_{static_cast<unsigned>(std::bit_width(slots.size()))},
          sequence_{static_cast<std::uint32_t>(now_ns() >> 8)},
          epoll_{::epoll_create1(EPOLL_CLOEXEC)} {
        for (std::size_t i = 0; i < plan.shape.connections; ++i) {
            connections_.push_back(std::make_unique<Connection>(plan.server));
            watch(i, EPOLL_CTL_ADD, EPOLLIN);
        }
    }
    ~Engine() { ::close(epoll_); }
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;

    Outcome run() {
        const std::uint64_t now = now_ns();
        warm_at_ = now + static_cast<std::uint64_t>(plan_.warmup_s * 1e9);
        for (std::size_t i = 0; i < slots_.size(); ++i) send(i, now);
        for (std::size_t i = 0; i < connections_.size(); ++i) flush(i);
        while (in_flight_ > 0) {
            std::array<epoll_event, 64> events{};
            const int count = ::epoll_wait(epoll_, events.data(), events.size(), patience_ms);
            if (count == 0) throw std::runtime_error("no reply for a minute");
            for (int i = 0; i < count; ++i) serve(events[static_cast<std::size_t>(i)].data.u64);
        }
        return outcome_;
    }

private:
    enum class Phase { warming, measuring, ending };

    void watch(std::size_t connection, int how, std::uint32_t what) {
        epoll_event event{.events = what, .data = {.u64 = connection}};
        ::epoll_ctl(epoll_, how, connections_[connection]->socket(), &event);
    }

    void serve(std::size_t connection) {
        if (connections_[connection]->receive()) {
            const std::uint64_t now = now_ns();
            advance(now);
            connections_[connection]->records(
                [&](View head, std::size_t size) { take(connection, head, size, now); });
        }
        flush(connection);
    }

    /// Watches for room in the socket only while there is something that waits for it.
    void flush(std::size_t connection) {
        const bool is_full = !connections_[connection]->flush();
        if (is_full == waiting_.contains(connection)) return;
        watch(connection, EPOLL_CTL_MOD, is_full ? EPOLLIN | EPOLLOUT : EPOLLIN);
        if (is_full)
            waiting_.insert(connection);
        else
            waiting_.erase(connection);
    }

    void advance(std::uint64_t now) {
        if (phase_ == Phase::warming && (now >= warm_at_ || must_stop)) {
            phase_ = Phase::measuring;
            began_at_ = now;
            end_at_ = now + static_cast<std::uint64_t>(plan_.seconds * 1e9);
            server_cpu_ = cpu_time(plan_.server_process);
            client_cpu_ = own_cpu_us();
            if (plan_.on_measuring) plan_.on_measuring();
        }
        if (phase_ != Phase::measuring) return;
        const bool over = plan_.calls != 0 ? outcome_.calls >= plan_.calls : now >= end_at_;
        if (!over && !must_stop) return;
        phase_ = Phase::ending;
        outcome_.seconds = static_cast<double>(now - began_at_) / 1e9;
        outcome_.server_cpu = cpu_time(plan_.server_process) - server_cpu_;
        outcome_.client_cpu_us = own_cpu_us() - client_cpu_;
    }

    void take(std::size_t connection, View head, std::size_t size, std::uint64_t now) {
        const std::uint32_t xid = head.size() < 4 ? 0 : get_u32(head.data());
        const std::size_t index = xid & ((1U << slot_bits_) - 1);
        if (index >= slots_.size() || index / plan_.shape.in_flight != connection ||
            slots_[index].xid != xid)
            throw std::runtime_error("a reply to nothing that was asked");
        Slot& slot = slots_[index];
        --in_flight_;
        slot.xid = 0;
        const Step& step = slot.steps[slot.current];
        const bool good = is_good(step, head, size);
        if (!good) complain(slot, head);
        if (phase_ == Phase::measuring && good) {
            ++outcome_.calls;
            outcome_.bytes += step.count;
            outcome_.latency.add(now - slot.sent_ns);
        }
        slot.current = slot.current + 1 == slot.steps.size() ? 0 : slot.current + 1;
        if (phase_ != Phase::ending) send(index, now);
    }

    void send(std::size_t index, std::uint64_t now) {
        Slot& slot = slots_[index];
        Step& step = slot.steps[slot.current];
        refresh(step);
        slot.xid = ++sequence_ << slot_bits_ | static_cast<std::uint32_t>(index);
        put_u32(step.message.data() + xid_at, slot.xid);
        slot.sent_ns = now;
        Connection& connection = *connections_[index / plan_.shape.in_flight];
        connection.queue(step.message);
        connection.queue(step.payload);
        ++in_flight_;
        if (!plan_.gathers) flush(index / plan_.shape.in_flight);
    }

    void complain(const Slot& slot, View head) {
        if (++outcome_.errors <= errors_shown) {
            std::fprintf(stderr, "bad reply to step %zu:", slot.current);
            for (std::size_t at = 4; at + 4 <= head.size() && at < 64; at += 4)
                std::fprintf(stderr, " %x", get_u32(head.data() + at));
            std::fprintf(stderr, "\n");
        }
        if (outcome_.errors > errors_max) throw std::runtime_error("too many bad replies");
    }

    const Plan& plan_;
    std::vector<Slot>& slots_;
    unsigned slot_bits_;
    std::uint32_t sequence_;
    int epoll_;
    std::vector<std::unique_ptr<Connection>> connections_;
    std::set<std::size_t> waiting_;  // connections whose sockets are full
    std::size_t in_flight_ = 0;
    Phase phase_ = Phase::warming;
    std::uint64_t warm_at_ = 0;
    std::uint64_t began_at_ = 0;
    std::uint64_t end_at_ = 0;
    CpuTime server_cpu_;
    double client_cpu_ = 0;
    Outcome outcome_;
};

}  // namespace

Outcome measure(const Plan& plan, std::vector<Slot>& slots) {
    return Engine{plan, slots}.run();
}

}  // namespace berth::bench
