// Any bytes as the reply to each procedure that a client of ours can call: refused, or a result
// that takes all of them.
#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "mount/protocol.hpp"
#include "nfs/protocol.hpp"
#include "portmap/protocol.hpp"
#include "rpc/client.hpp"
#include "tests/fuzz/support/expect.hpp"
#include "tests/support/bytes.hpp"

namespace berth::fuzz {
namespace {

/// Answers every call with the input. As every channel, it gives replies with the call's xid only:
/// that is put over the input's first word.
class Input final : public rpc::Channel {
public:
    explicit Input(std::span<const std::byte> bytes) : bytes_(bytes) {}

    boost::system::result<std::span<const std::byte>> exchange(std::uint32_t xid,
                                                               const xdr::Writer&) override {
        std::vector<std::byte> reply(bytes_.begin(), bytes_.end());
        const auto word = test::encoded(xid);
        std::ranges::copy(word.begin(),
                          word.begin() + std::min<std::ptrdiff_t>(4, std::ssize(reply)),
                          reply.begin());
        reply_ = std::make_unique<test::ExactCopy>(reply);
        return reply_->bytes();
    }

private:
    std::span<const std::byte> bytes_;
    std::unique_ptr<test::ExactCopy> reply_;
};

template <class... Procedures>
void call(std::span<const std::byte> reply, std::uint32_t place, const rpc::ProgramId& program) {
    const auto chosen = reply.size() < 4 ? 0 : std::to_integer<std::uint32_t>(reply[3]);
    if (chosen / 32 != place) return;
    rpc::Client client{std::make_unique<Input>(reply), program};
    const auto call_one = [&]<class Procedure>(std::in_place_type_t<Procedure>) {
        if (Procedure::id.number != chosen % 32) return;
        const auto answer = client.template call<Procedure>({});
        if (!answer) {
            expect(answer.error().kind != rpc::Failure::Kind::transport);
            expect(!answer.error().text().empty());
            return;
        }
        // xid, REPLY, MSG_ACCEPTED, the verifier's flavour and length, SUCCESS: and its body.
        constexpr std::size_t header_bytes = 24;
        const auto verifier_bytes = xdr::Reader{reply.subspan(16)}.u32();
        expect(header_bytes + verifier_bytes + xdr::padding(verifier_bytes) +
                   xdr::encoded_bytes(*answer) ==
               reply.size());
    };
    (call_one(std::in_place_type<Procedures>), ...);
}

void call_nfs(std::span<const std::byte> reply) {
    using namespace nfs;
    call<Null, GetAttributes, SetAttributes, Lookup, Access, ReadLink, Read, Write, Create,
         MakeDirectory, MakeSymbolicLink, MakeNode, Remove, RemoveDirectory, Rename, Link,
         ReadDirectory, ReadDirectoryPlus, FileSystemStatus, FileSystemInfo, PathConfiguration,
         Commit>(reply, 0, program);
}

void call_mount(std::span<const std::byte> reply) {
    using namespace mount;
    call<rpc::Null, Mount, Dump, Unmount, UnmountAll, Export>(reply, 1, id3);
    call<Mount1, ExportAll, PathConfiguration>(reply, 2, id2);
}

void call_portmap(std::span<const std::byte> reply) {
    {
        using namespace portmap::v2;
        call<Set, Unset, GetPort, Dump>(reply, 3, id);
    }
    using namespace portmap::rpcbind;
    call<Set, Unset, GetAddress, Dump, GetTime, ToTransportAddress, ToUniversalAddress,
         GetVersionAddress, GetAddressList, GetStatistics>(reply, 4, id4);
}

}  // namespace
}  // namespace berth::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto reply = berth::fuzz::input(data, size);
    berth::fuzz::call_nfs(reply);
    berth::fuzz::call_mount(reply);
    berth::fuzz::call_portmap(reply);
    return 0;
}
