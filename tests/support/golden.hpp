// Whole messages as they were seen on a network, against the client that sends and reads such.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "rpc/client.hpp"
#include "rpc/record.hpp"
#include "tests/support/bytes.hpp"

namespace berth::test {

/// The message in a record of one fragment: what a stream carries.
inline std::vector<std::byte> message_of(const std::string& record_hex) {
    rpc::BlockPool pool{0};
    rpc::RecordReader reader{pool, {}};
    const auto bytes = bytes_of_hex(record_hex);
    std::ranges::copy(bytes, reader.space().begin());
    reader.received(bytes.size());
    const auto record = reader.next();
    EXPECT_TRUE(record && record->bytes.size() + 4 == bytes.size()) << record_hex;
    if (!record) return {};
    return {record->bytes.begin(), record->bytes.end()};
}

/// Keeps what is sent, as if it had the xid of the reply, and gives that reply.
class Recorded final : public rpc::Channel {
public:
    Recorded(std::vector<std::byte> reply, std::vector<std::byte>& sent)
        : reply_(std::move(reply)),
          sent_(sent) {}

    boost::system::result<std::span<const std::byte>>
    exchange(std::uint32_t /*xid*/, const xdr::Writer& message) override {
        sent_ = message.flat();
        std::copy_n(reply_.begin(), sizeof(std::uint32_t), sent_.begin());
        return std::span<const std::byte>{reply_};
    }

private:
    std::vector<std::byte> reply_;
    std::vector<std::byte>& sent_;
};

/// Expects our client to send this call, and to read all of this reply.
template <class Procedure>
void expect_exchange(const rpc::ProgramId& program, const rpc::ClientIdentity& identity,
                     const typename Procedure::Args& args, const std::vector<std::byte>& call,
                     const std::vector<std::byte>& reply) {
    std::vector<std::byte> sent;
    rpc::Client client{std::make_unique<Recorded>(reply, sent), program, identity};
    const auto result = client.call<Procedure>(args);
    EXPECT_EQ(hex_of(sent), hex_of(call));
    ASSERT_TRUE(result) << result.error().text();
    constexpr std::size_t header_bytes = 24;
    EXPECT_EQ(hex_of(encoded(*result)), hex_of(std::span{reply}.subspan(header_bytes)));
}

}  // namespace berth::test
