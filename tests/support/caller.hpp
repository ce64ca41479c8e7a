// Calls the procedures of a program through bytes, as the dispatcher does, without one: arguments
// are encoded, the table's line runs, results are decoded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "rpc/program.hpp"
#include "tests/support/bytes.hpp"
#include "xdr/codec.hpp"

namespace berth::test {

/// One client of one program version. Results are good until the next call.
class Caller {
public:
    explicit Caller(rpc::Program program) : program_(std::move(program)) {}

    /// Where calls come from and go to.
    rpc::Endpoint from{.address = *rpc::Address::parse("192.0.2.7"), .port = 40000};
    rpc::Endpoint to{.address = *rpc::Address::parse("192.0.2.1"), .port = 111};
    rpc::Transport transport = rpc::Transport::tcp;
    /// Of the last call: it gets no reply.
    bool was_left_unanswered = false;

    /// Calls by number; the results' bytes are in results().
    rpc::Outcome invoke(std::uint32_t number, std::span<const std::byte> arguments) {
        rpc::Arena memory;
        rpc::Call call{memory};
        call.program = program_.id;
        call.procedure = program_.procedures.at(number).id;
        call.caller = from;
        call.local = to;
        call.transport = transport;
        xdr::Reader in{arguments};
        xdr::Writer out;
        const auto outcome = program_.procedures.at(number).invoke(program_.service, call, in, out);
        results_ = out.flat();
        was_left_unanswered = call.unanswered;
        return outcome;
    }

    template <class Procedure>
    typename Procedure::Result call(const typename Procedure::Args& args) {
        arguments_ = encoded(args);
        EXPECT_EQ(invoke(Procedure::id.number, arguments_), rpc::Outcome::success);
        xdr::Reader in{results_};
        typename Procedure::Result result{};
        xdr::decode(in, result);
        EXPECT_TRUE(in.ok());
        EXPECT_EQ(in.rest().size(), 0U);
        return result;
    }

    /// Expects that no proper prefix of these arguments is taken for arguments.
    template <class Procedure>
    void expect_no_prefix_taken(const typename Procedure::Args& args) {
        const auto whole = encoded(args);
        ASSERT_EQ(invoke(Procedure::id.number, whole), rpc::Outcome::success);
        for (std::size_t size = 0; size < whole.size(); ++size) {
            EXPECT_EQ(invoke(Procedure::id.number, std::span{whole}.first(size)),
                      rpc::Outcome::garbage_arguments)
                << size << " of " << whole.size() << " bytes";
        }
    }

    [[nodiscard]] const std::vector<std::byte>& results() const { return results_; }
    [[nodiscard]] const rpc::Program& program() const { return program_; }

private:
    rpc::Program program_;
    std::vector<std::byte> arguments_;
    std::vector<std::byte> results_;
};

}  // namespace berth::test
