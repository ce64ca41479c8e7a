// A server in one process for the tests of the procedures: real calls as bytes through the real
// dispatcher, over trees in RAM that fail on demand. No socket, no thread, no privilege.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "nfs/exports/exports.hpp"
#include "nfs/protocol.hpp"
#include "nfs/service.hpp"
#include "nfs/vfs/memory.hpp"
#include "rpc/client.hpp"
#include "rpc/correspondents.hpp"
#include "rpc/dispatcher.hpp"
#include "tests/support/faulty/file_system.hpp"

namespace berth::nfs {

/// For readable failures.
inline void PrintTo(Status status, std::ostream* out) {
    *out << "status " << static_cast<std::uint32_t>(status);
}

/// A handle that outlives the reply it came in.
class KeptHandle {
public:
    KeptHandle() = default;
    KeptHandle(std::span<const std::byte> bytes) : bytes_(bytes.begin(), bytes.end()) {}
    KeptHandle(const FileHandle& handle) : KeptHandle(handle.bytes()) {}
    operator FileHandle() const { return std::span<const std::byte>{bytes_}; }
    bool operator==(const KeptHandle&) const = default;

    [[nodiscard]] std::vector<std::byte>& bytes() { return bytes_; }

private:
    std::vector<std::byte> bytes_;
};

/// A name in a directory. Both outlive it.
inline Entry entry(const KeptHandle& directory, std::string_view name) {
    return {directory, name};
}

/// What carries calls to the dispatcher and replies back, as a transport does.
class Loopback final : public rpc::Channel {
public:
    struct Wire {
        rpc::Transport transport = rpc::Transport::tcp;
        rpc::Endpoint caller{.address = *rpc::Address::parse("192.0.2.7"), .port = 800};
        rpc::Correspondents* correspondents = nullptr;  ///< as a socket for datagrams has them
        std::uint64_t on_workers = 0;                   ///< calls that needed one
        bool is_late = false;                           ///< as if calls had waited for too long
        std::vector<std::byte> last_request;
        std::vector<std::byte> last_reply;  ///< empty when there was none
    };
    Loopback(rpc::Dispatcher& dispatcher, Wire& wire) : dispatcher_(dispatcher), wire_(wire) {}

    boost::system::result<std::span<const std::byte>> exchange(std::uint32_t xid,
                                                               const xdr::Writer& message) override;
    std::span<const std::byte> exchange(std::vector<std::byte> request);

private:
    rpc::Dispatcher& dispatcher_;
    Wire& wire_;
};

/// Exports, all but the last of one tree: /tree (nobody squashed), /squashed (root is),
/// /anonymous (everybody is), /readonly, /async, /mapped (uid 0, and ids 1000-1999 as 101000 and so
/// on); and /other, another tree.
class ServiceTest : public ::testing::Test {
protected:
    explicit ServiceTest(const ServiceOptions& options = {.write_verifier = 0x0123456789ABCDEF},
                         const vfs::memory::Options& tree = {},
                         exports::UserGroups* groups = nullptr);

    /// The root of an export.
    KeptHandle root(std::string_view path = "/tree");
    /// The same object in another export of the same tree.
    KeptHandle through(std::string_view path, const KeptHandle& handle);

    /// From now on calls come from this user. The test starts as root.
    void become(std::uint32_t uid, std::uint32_t gid, std::vector<std::uint32_t> gids = {});
    void become_root() { become(0, 0); }
    void become_nobody_known();  ///< AUTH_NONE

    template <class Procedure>
    typename Procedure::Result call(const typename Procedure::Args& args) {
        auto answer = client_.call<Procedure>(args);
        if (!answer) {
            ADD_FAILURE() << Procedure::id.name << ": " << answer.error().text();
            return {Status::server_fault, {}};
        }
        return *std::move(answer);
    }
    /// Expects success.
    template <class Procedure>
    typename Procedure::Ok succeed(const typename Procedure::Args& args) {
        const auto result = call<Procedure>(args);
        EXPECT_EQ(result.status(), Status::ok) << Procedure::id.name;
        return result.ok() != nullptr ? *result.ok() : typename Procedure::Ok{};
    }
    /// Expects this failure.
    template <class Procedure>
    typename Procedure::Fail refuse(Status status, const typename Procedure::Args& args) {
        const auto result = call<Procedure>(args);
        EXPECT_EQ(result.status(), status) << Procedure::id.name;
        return result.fail() != nullptr ? *result.fail() : typename Procedure::Fail{};
    }
    /// The results in the last reply, as bytes.
    [[nodiscard]] std::span<const std::byte> last_results() const;
    /// How the dispatcher accepts these bytes as arguments of a procedure.
    rpc::AcceptStatus accepts(std::uint32_t procedure, std::span<const std::byte> arguments);
    template <class Procedure>
    rpc::AcceptStatus accepts(const typename Procedure::Args& args) {
        xdr::Writer writer;
        xdr::encode(writer, args);
        return accepts(Procedure::id.number, writer.flat());
    }

    KeptHandle make_file(const KeptHandle& directory, std::string_view name,
                         std::string_view contents = {}, std::uint32_t mode = 0644);
    KeptHandle make_directory(const KeptHandle& directory, std::string_view name,
                              std::uint32_t mode = 0755);
    KeptHandle make_link(const KeptHandle& directory, std::string_view name,
                         std::string_view target);
    KeptHandle make_fifo(const KeptHandle& directory, std::string_view name);
    /// One of each kind that is not a regular file.
    std::vector<KeptHandle> make_others(const KeptHandle& directory);
    KeptHandle lookup(const KeptHandle& directory, std::string_view name);
    bool exists(const KeptHandle& directory, std::string_view name);
    Attributes attributes(const KeptHandle& object);
    std::string contents(const KeptHandle& file);
    /// A handle whose object is gone.
    KeptHandle gone();

    /// How many syncs there were while `work` ran.
    template <class Work>
    std::uint64_t syncs(Work work) {
        const auto before = files_->calls(vfs::faulty::Operation::sync);
        work();
        return files_->calls(vfs::faulty::Operation::sync) - before;
    }

    /// Runs work once, just before the next such operation. It must not use the tree with
    /// the faults, only inner() objects had before.
    void before_next(vfs::faulty::Operation operation, std::function<void()> work);
    /// This operation fails from now on, until files_->clear().
    void fail_all(vfs::faulty::Operation operation, std::errc error = std::errc::io_error);
    /// The object in the tree behind the faults, as a local process has it.
    vfs::NodePtr inner(const KeptHandle& handle);
    static constexpr vfs::Caller local_root{};

    std::shared_ptr<vfs::FileSystem> tree_;
    std::shared_ptr<vfs::faulty::FileSystem> files_;
    std::shared_ptr<vfs::FileSystem> other_;
    exports::Exports exports_;
    exports::HandleSealer sealer_;
    Service service_;
    rpc::Dispatcher dispatcher_;
    Loopback::Wire wire_;
    Loopback raw_;
    rpc::Client client_;
};

/// Text as opaque data, and back.
inline std::span<const std::byte> data_of(std::string_view text) {
    return std::as_bytes(std::span{text});
}
inline std::string text_of(std::span<const std::byte> data) {
    return {reinterpret_cast<const char*>(data.data()), data.size()};
}

/// "00 01a0" and so on; what is not a lower-case hex digit is layout.
std::vector<std::byte> bytes_of_hex(std::string_view text);
/// Words of four bytes, for comparing with golden ones.
std::string hex_of(std::span<const std::byte> bytes);

bool operator==(const Time& a, const Time& b);
bool operator==(const Attributes& a, const Attributes& b);
/// Expects attributes from before the change that are those, and some from after it.
void expect_wcc(const Wcc& wcc, const Attributes& before);
/// Expects a reply that shows the object unchanged.
void expect_unchanged(const Wcc& wcc, const Attributes& now);

}  // namespace berth::nfs
