// One call at a time over one connection: what sets a measurement up, and what needs no speed.
// Every failure is a std::runtime_error that says which call failed and how.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <netinet/in.h>

#include "tests/bench/wire.hpp"

namespace berth::bench {

/// Who the calls say that they come from.
struct Caller {
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
};

/// The bytes of a call: record mark, header, credential, arguments. The first two change per use.
class CallWriter : public Writer {
public:
    CallWriter(std::uint32_t program, std::uint32_t procedure, const Caller& caller);
    CallWriter(Procedure procedure, const Caller& caller)
        : CallWriter{nfs_program, static_cast<std::uint32_t>(procedure), caller} {}

    /// Sets the record mark; `payload` bytes will follow the arguments. The call is complete.
    Bytes finish(std::size_t payload = 0) &&;
};

inline constexpr std::size_t xid_at = 4;

/// Connects over TCP, without delay. Throws when it can not.
int connect_to(const sockaddr_in& server);

class Session {
public:
    Session(const sockaddr_in& server, const Caller& caller);
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    /// The reply's body after the header. Valid until the next call.
    View call(CallWriter&& call);
    /// The same of an NFS call, after its status, which must be 0.
    View good_call(std::string_view what, CallWriter&& call);

    void null();
    Bytes mount(const std::string& path);
    void getattr(View handle);
    Bytes lookup(View directory, const std::string& name);
    Bytes create(View directory, const std::string& name);
    Bytes mkdir(View directory, const std::string& name);
    void write(View handle, std::uint64_t offset, View data);
    /// Makes a file of that many bytes, none of them a hole.
    Bytes create_filled(View directory, const std::string& name, std::uint64_t size);

    [[nodiscard]] const Caller& caller() const { return caller_; }

private:
    void receive(void* to, std::size_t size) const;

    Caller caller_;
    int socket_;
    std::uint32_t xid_;
    Bytes reply_;
};

}  // namespace berth::bench
