#include "tests/bench/load/session.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <stdexcept>
#include <system_error>
#include <utility>

#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace berth::bench {

namespace {

constexpr std::size_t reply_bytes_max = 4 << 20;
constexpr std::size_t fill_bytes = 1 << 20;
constexpr int patience_s = 60;

void new_attributes(Writer& writer, std::uint32_t mode) {
    writer.u32(1);
    writer.u32(mode);
    for (int unset = 0; unset < 5; ++unset) writer.u32(0);  // uid, gid, size, atime, mtime
}

Bytes copy_of(View view) {
    return {view.begin(), view.end()};
}

Bytes created_handle(std::string_view what, View body) {
    Reader reader{body};
    if (reader.u32() == 0) throw std::runtime_error(std::string{what} + ": no handle in the reply");
    return copy_of(reader.opaque());
}

}  // namespace

CallWriter::CallWriter(std::uint32_t program, std::uint32_t procedure, const Caller& caller) {
    u32(0);  // record mark
    u32(0);  // xid
    u32(0);  // CALL
    u32(2);
    u32(program);
    u32(3);  // both programs are asked for in version 3
    u32(procedure);
    Writer credential;
    credential.u32(0);
    credential.string("bench");
    credential.u32(caller.uid);
    credential.u32(caller.gid);
    credential.u32(0);
    u32(1);  // AUTH_SYS
    opaque(credential.bytes());
    u32(0);  // AUTH_NONE
    u32(0);
}

Bytes CallWriter::finish(std::size_t payload) && {
    put_u32(bytes().data(), last_fragment | static_cast<std::uint32_t>(size() - 4 + payload));
    return std::move(bytes());
}

int connect_to(const sockaddr_in& server) {
    const int made = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (made < 0) throw std::system_error(errno, std::generic_category(), "socket");
    const int on = 1;
    ::setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (::connect(made, reinterpret_cast<const sockaddr*>(&server), sizeof server) != 0) {
        const int error = errno;
        ::close(made);
        throw std::system_error(error, std::generic_category(), "connect");
    }
    return made;
}

Session::Session(const sockaddr_in& server, const Caller& caller)
    : caller_{caller},
      socket_{connect_to(server)},
      xid_{
          static_cast<std::uint32_t>(std::chrono::steady_clock::now().time_since_epoch().count())} {
    const timeval patience{patience_s, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
}

Session::~Session() {
    ::close(socket_);
}

void Session::receive(void* to, std::size_t size) const {
    const auto got = ::recv(socket_, to, size, MSG_WAITALL);
    if (got != static_cast<ssize_t>(size)) throw std::runtime_error("connection lost, or no reply");
}

View Session::call(CallWriter&& call) {
    Bytes message = std::move(call).finish();
    put_u32(message.data() + xid_at, ++xid_);
    for (View left{message}; !left.empty();) {
        const auto sent = ::send(socket_, left.data(), left.size(), MSG_NOSIGNAL);
        if (sent <= 0) throw std::system_error(errno, std::generic_category(), "send");
        left = left.subspan(static_cast<std::size_t>(sent));
    }
    reply_.clear();
    for (bool last = false; !last;) {
        std::byte word[4];
        receive(word, sizeof word);
        const std::uint32_t mark = get_u32(word);
        const std::size_t size = mark & ~last_fragment, had = reply_.size();
        last = (mark & last_fragment) != 0;
        if (had + size > reply_bytes_max) throw std::runtime_error("reply too long");
        reply_.resize(had + size);
        receive(reply_.data() + had, size);
    }
    Reader reader{reply_};
    const bool accepted = reader.u32() == xid_ && reader.u32() == 1 && reader.u32() == 0;
    reader.u32();
    reader.opaque();
    if (!accepted || reader.u32() != 0 || !reader.ok())
        throw std::runtime_error("the RPC layer refused a call");
    return View{reply_}.last(reader.left());
}

View Session::good_call(std::string_view what, CallWriter&& call_to_make) {
    const View body = call(std::move(call_to_make));
    const std::uint32_t status = body.size() < 4 ? ~0U : get_u32(body.data());
    if (status != 0)
        throw std::runtime_error(std::string{what} + ": status " + std::to_string(status));
    return body.subspan(4);
}

void Session::null() {
    call(CallWriter{Procedure::null, caller_});
}

Bytes Session::mount(const std::string& path) {
    CallWriter arguments{mount_program, mount_mnt, caller_};
    arguments.string(path);
    return copy_of(Reader{good_call("MNT", std::move(arguments))}.opaque());
}

void Session::getattr(View handle) {
    CallWriter arguments{Procedure::getattr, caller_};
    arguments.opaque(handle);
    good_call("GETATTR", std::move(arguments));
}

Bytes Session::lookup(View directory, const std::string& name) {
    CallWriter arguments{Procedure::lookup, caller_};
    arguments.opaque(directory);
    arguments.string(name);
    return copy_of(Reader{good_call("LOOKUP " + name, std::move(arguments))}.opaque());
}

Bytes Session::create(View directory, const std::string& name) {
    CallWriter arguments{Procedure::create, caller_};
    arguments.opaque(directory);
    arguments.string(name);
    arguments.u32(0);  // UNCHECKED
    new_attributes(arguments, 0644);
    return created_handle("CREATE", good_call("CREATE " + name, std::move(arguments)));
}

Bytes Session::mkdir(View directory, const std::string& name) {
    CallWriter arguments{Procedure::mkdir, caller_};
    arguments.opaque(directory);
    arguments.string(name);
    new_attributes(arguments, 0755);
    return created_handle("MKDIR", good_call("MKDIR " + name, std::move(arguments)));
}

void Session::write(View handle, std::uint64_t offset, View data) {
    CallWriter arguments{Procedure::write, caller_};
    arguments.opaque(handle);
    arguments.u64(offset);
    arguments.u32(static_cast<std::uint32_t>(data.size()));
    arguments.u32(unstable);
    arguments.opaque(data);
    good_call("WRITE", std::move(arguments));
}

Bytes Session::create_filled(View directory, const std::string& name, std::uint64_t size) {
    Bytes handle = create(directory, name);
    const Bytes data(fill_bytes, std::byte{'.'});
    for (std::uint64_t done = 0; done < size; done += fill_bytes)
        write(handle, done, View{data}.first(std::min<std::uint64_t>(fill_bytes, size - done)));
    return handle;
}

}  // namespace berth::bench
