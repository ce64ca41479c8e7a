// The floor: what a server costs that does nothing but receive calls and send replies of the right
// size. One thread, one epoll; it looks at header, procedure and count of a call and touches no
// file. `floor ADDR:PORT` says so in one line when it listens, and serves until it is ended.
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tests/bench/wire.hpp"

namespace {

using namespace berth::bench;

constexpr std::size_t receive_bytes = 256 * 1024;
constexpr std::size_t head_bytes = 512;  // enough of a WRITE to know its count
constexpr std::size_t data_bytes_max = 1 << 20;
constexpr std::size_t handle_bytes = 32;

[[noreturn]] void fail(const char* what) {
    std::perror(what);
    std::exit(1);
}

/// The bodies of all replies, after xid and reply header; made once.
class Replies {
public:
    Replies() {
        for (auto& body : bodies_) accepted(body, 3);  // PROC_UNAVAIL
        accepted(of(Procedure::null), 0);

        begin(Procedure::getattr).append(attributes_);
        add_wcc(begin(Procedure::setattr));

        Writer& lookup = begin(Procedure::lookup);
        lookup.opaque(handle_);
        add_attributes(lookup);
        add_attributes(lookup);

        Writer& access = begin(Procedure::access);
        add_attributes(access);
        access.u32(3);

        for (const Procedure procedure : {Procedure::create, Procedure::mkdir}) {
            Writer& created = begin(procedure);
            created.u32(1);
            created.opaque(handle_);
            add_attributes(created);
            add_wcc(created);
        }
        add_wcc(begin(Procedure::remove));
        Writer& rename = begin(Procedure::rename);
        add_wcc(rename);
        add_wcc(rename);
        Writer& link = begin(Procedure::link);
        add_attributes(link);
        add_wcc(link);

        add_attributes(begin(Procedure::read));
        add_wcc(begin(Procedure::write));

        accepted(mount_, 0);
        mount_.u32(0);
        mount_.opaque(handle_);
        mount_.u32(1);
        mount_.u32(1);  // AUTH_SYS
    }

    [[nodiscard]] View body(std::uint32_t program, std::uint32_t procedure) const {
        if (program == mount_program && procedure == mount_mnt) return mount_.bytes();
        return bodies_[procedure < bodies_.size() ? procedure : bodies_.size() - 1].bytes();
    }

private:
    Writer& of(Procedure procedure) { return bodies_[static_cast<std::size_t>(procedure)]; }

    static void accepted(Writer& writer, std::uint32_t status) {
        writer.bytes().clear();
        writer.u32(1);  // REPLY
        writer.u32(0);  // MSG_ACCEPTED
        writer.u32(0);  // AUTH_NONE
        writer.u32(0);
        writer.u32(status);
    }
    Writer& begin(Procedure procedure) {
        Writer& writer = of(procedure);
        accepted(writer, 0);
        writer.u32(0);  // NFS3_OK
        return writer;
    }
    void add_attributes(Writer& writer) {
        writer.u32(1);
        writer.append(attributes_);
    }
    void add_wcc(Writer& writer) {
        writer.u32(1);
        writer.append(View{attributes_}.first(wcc_bytes));
        add_attributes(writer);
    }

    Bytes attributes_ = Bytes(attributes_bytes, std::byte{1});
    Bytes handle_ = Bytes(handle_bytes, std::byte{7});
    std::array<Writer, 23> bodies_;  // the last one is of no procedure that is served
    Writer mount_;
};

/// What a call asks for, as far as a canned reply depends on it.
struct Call {
    std::uint32_t xid = 0, program = 0, procedure = 0, count = 0, stable = 0;
};

Call parse(View head) {
    Reader reader{head};
    Call call{.xid = reader.u32()};
    reader.skip(8);
    call.program = reader.u32();
    reader.u32();
    call.procedure = reader.u32();
    for (int part = 0; part < 2; ++part) {  // credential and verifier
        reader.u32();
        reader.opaque();
    }
    const auto procedure = static_cast<Procedure>(call.procedure);
    if (procedure != Procedure::read && procedure != Procedure::write) return call;
    reader.opaque();
    reader.u64();
    call.count = std::min<std::uint32_t>(reader.u32(), data_bytes_max);
    if (procedure == Procedure::write) call.stable = reader.u32();
    return call;
}

class Connection {
public:
    explicit Connection(int socket) : socket_{socket} {}
    ~Connection() { ::close(socket_); }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    /// Receives once, answers what is complete, and sends; false when the client is gone.
    bool serve(const Replies& replies, View data) {
        const auto got = ::recv(socket_, buffer_.data() + end_, buffer_.size() - end_, 0);
        if (got == 0 || (got < 0 && errno != EAGAIN)) return false;
        if (got > 0) end_ += static_cast<std::size_t>(got);
        std::size_t at = 0;
        for (std::size_t used = 1; used != 0; at += used) used = one_record(at, replies, data);
        std::memmove(buffer_.data(), buffer_.data() + at, end_ - at);
        end_ -= at;
        return flush();
    }

    [[nodiscard]] bool is_full() const { return !unsent_.empty(); }

private:
    std::size_t one_record(std::size_t at, const Replies& replies, View data) {
        const std::size_t have = end_ - at;
        if (to_skip_ > 0) {
            const std::size_t skipped = std::min(to_skip_, have);
            to_skip_ -= skipped;
            if (to_skip_ == 0) answer(parse(head_), replies, data);
            return skipped;
        }
        if (have < 4) return 0;
        const std::size_t size = get_u32(buffer_.data() + at) & ~last_fragment;
        const View record = View{buffer_}.subspan(at + 4, std::min(size, have - 4));
        if (record.size() == size) {
            answer(parse(record), replies, data);
            return 4 + size;
        }
        if (record.size() < head_bytes) return 0;
        std::memcpy(head_.data(), record.data(), head_bytes);
        to_skip_ = size - head_bytes;
        return 4 + head_bytes;
    }

    void answer(const Call& call, const Replies& replies, View data) {
        const View body = replies.body(call.program, call.procedure);
        const bool is_nfs = call.program == nfs_program;
        const bool is_read =
            is_nfs && call.procedure == static_cast<std::uint32_t>(Procedure::read);
        const bool is_write =
            is_nfs && call.procedure == static_cast<std::uint32_t>(Procedure::write);
        const std::size_t tail = is_read ? 12 : is_write ? 16 : 0;
        const std::size_t payload = is_read ? padded(call.count) : 0;

        const std::size_t at = replies_.size(), size = 4 + body.size() + tail + payload;
        replies_.resize(at + 8 + body.size() + tail);
        std::byte* to = replies_.data() + at;
        put_u32(to, last_fragment | static_cast<std::uint32_t>(size));
        put_u32(to + 4, call.xid);
        std::memcpy(to + 8, body.data(), body.size());
        to += 8 + body.size();
        if (is_read) {
            put_u32(to, call.count);
            put_u32(to + 4, 0);  // not the end of the file
            put_u32(to + 8, call.count);
            ends_.push_back({replies_.size(), data.first(payload)});
        }
        if (is_write) {
            put_u32(to, call.count);
            put_u32(to + 4, call.stable);
            put_u64(to + 8, 1);
        }
    }

    /// Gathers what this wake-up has answered behind what did not fit earlier.
    bool flush() {
        if (!replies_.empty()) {
            // What waits refers into buffers that must stay where they are.
            sent_later_.push_back(std::move(replies_));
            const Bytes& bytes = sent_later_.back();
            std::size_t from = 0;
            for (const auto& [end, data] : ends_) {
                queue(View{bytes}.subspan(from, end - from));
                queue(data);
                from = end;
            }
            queue(View{bytes}.subspan(from));
            ends_.clear();
        }
        std::size_t first = 0;
        while (first < unsent_.size()) {
            msghdr message{};
            message.msg_iov = unsent_.data() + first;
            message.msg_iovlen = std::min<std::size_t>(unsent_.size() - first, IOV_MAX);
            const auto sent = ::sendmsg(socket_, &message, MSG_NOSIGNAL);
            if (sent < 0 && errno != EAGAIN) return false;
            if (sent < 0) break;
            first += advance(first, static_cast<std::size_t>(sent));
        }
        unsent_.erase(unsent_.begin(), unsent_.begin() + static_cast<std::ptrdiff_t>(first));
        if (unsent_.empty()) {
            replies_ = std::move(sent_later_.empty() ? replies_ : sent_later_.back());
            replies_.clear();
            sent_later_.clear();
        }
        return true;
    }

    void queue(View bytes) {
        if (!bytes.empty()) unsent_.push_back({const_cast<std::byte*>(bytes.data()), bytes.size()});
    }

    std::size_t advance(std::size_t first, std::size_t sent) {
        std::size_t complete = 0;
        while (sent > 0) {
            iovec& part = unsent_[first + complete];
            const std::size_t taken = std::min(sent, part.iov_len);
            part.iov_base = static_cast<std::byte*>(part.iov_base) + taken;
            part.iov_len -= taken;
            sent -= taken;
            if (part.iov_len == 0) ++complete;
        }
        return complete;
    }

    struct End {
        std::size_t at;  // in replies_: here the data follows
        View data;
    };

    int socket_;
    Bytes buffer_ = Bytes(receive_bytes);
    std::size_t end_ = 0;
    std::array<std::byte, head_bytes> head_{};
    std::size_t to_skip_ = 0;
    Bytes replies_;
    std::vector<End> ends_;
    std::vector<Bytes> sent_later_;
    std::vector<iovec> unsent_;
};

int listen_at(const std::string& text) {
    const auto colon = text.rfind(':');
    sockaddr_in address{.sin_family = AF_INET};
    if (colon == std::string::npos ||
        inet_pton(AF_INET, text.substr(0, colon).c_str(), &address.sin_addr) != 1) {
        std::fprintf(stderr, "usage: floor ADDR:PORT\n");
        std::exit(2);
    }
    address.sin_port = htons(static_cast<in_port_t>(std::stoul(text.substr(colon + 1))));
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        fail("bind");
    if (::listen(listener, 4096) != 0) fail("listen");
    return listener;
}

void watch(int epoll, int how, int socket, std::uint32_t what) {
    epoll_event event{.events = what, .data = {.fd = socket}};
    ::epoll_ctl(epoll, how, socket, &event);
}

void serve(int listener) {
    const Replies replies;
    const Bytes data(data_bytes_max, std::byte{'.'});
    const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
    std::vector<std::unique_ptr<Connection>> connections;
    watch(epoll, EPOLL_CTL_ADD, listener, EPOLLIN);
    while (true) {
        std::array<epoll_event, 64> events{};
        const int count = ::epoll_wait(epoll, events.data(), events.size(), -1);
        for (int i = 0; i < count; ++i) {
            const int socket = events[static_cast<std::size_t>(i)].data.fd;
            const auto index = static_cast<std::size_t>(socket);
            if (socket == listener) {
                const int accepted =
                    ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
                if (accepted < 0) continue;
                const int on = 1;
                ::setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
                if (connections.size() <= static_cast<std::size_t>(accepted))
                    connections.resize(static_cast<std::size_t>(accepted) + 1);
                connections[static_cast<std::size_t>(accepted)] =
                    std::make_unique<Connection>(accepted);
                watch(epoll, EPOLL_CTL_ADD, accepted, EPOLLIN);
                continue;
            }
            Connection& connection = *connections[index];
            const bool was_full = connection.is_full();
            if (!connection.serve(replies, data))
                connections[index].reset();
            else if (connection.is_full() != was_full)
                watch(epoll, EPOLL_CTL_MOD, socket, was_full ? EPOLLIN : EPOLLIN | EPOLLOUT);
        }
    }
}

}  // namespace

int main(int count, char** arguments) {
    const int listener = listen_at(count == 2 ? arguments[1] : "");
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    std::printf("floor listens on %s\n", arguments[1]);
    std::fflush(stdout);
    serve(listener);
}
