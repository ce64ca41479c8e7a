#include "tests/nfs/support.hpp"

#include <algorithm>
#include <array>

#include "rpc/batch.hpp"
#include "rpc/exchange.hpp"
#include "rpc/message.hpp"

namespace berth::nfs {

namespace {

constexpr std::array<std::byte, exports::HandleKey::size> key{std::byte{1}, std::byte{2},
                                                              std::byte{3}};

exports::Options mapped() {
    exports::Options options{.squash = exports::Squash::none, .anonymous_uid = 98};
    EXPECT_EQ(options.users.add("0:0"), "");
    EXPECT_EQ(options.users.add("1000-1999:101000"), "");
    EXPECT_EQ(options.groups.add("1000-1999:101000"), "");
    return options;
}

std::vector<exports::Export> make_exports(const std::shared_ptr<vfs::FileSystem>& files,
                                          const std::shared_ptr<vfs::FileSystem>& other) {
    using exports::Squash;
    return {
        exports::make_export("/tree", files, {.squash = Squash::none}),
        exports::make_export("/squashed", files, {.squash = Squash::root}),
        exports::make_export("/anonymous", files, {.squash = Squash::all, .anonymous_uid = 99}),
        exports::make_export("/readonly", files, {.read_only = true, .squash = Squash::none}),
        exports::make_export("/async", files, {.squash = Squash::none, .sync = false}),
        exports::make_export("/mapped", files, mapped()),
        exports::make_export("/other", other, {.squash = Squash::none}),
    };
}

const rpc::ClientIdentity root_user{.flavor = rpc::AuthFlavor::sys, .machine_name = "tester"};

}  // namespace

boost::system::result<std::span<const std::byte>> Loopback::exchange(std::uint32_t /*xid*/,
                                                                     const xdr::Writer& message) {
    return exchange(message.flat());
}

std::span<const std::byte> Loopback::exchange(std::vector<std::byte> request) {
    wire_.last_request = std::move(request);
    rpc::Exchange exchange;
    exchange.request = wire_.last_request;
    exchange.call.caller = wire_.caller;
    exchange.call.local = {.address = *rpc::Address::parse("192.0.2.1"), .port = 2049};
    exchange.call.transport = wire_.transport;
    if (wire_.correspondents != nullptr) {
        exchange.call.correspondents = wire_.correspondents;
        exchange.call.reply_bytes_max =
            wire_.correspondents->heard(wire_.caller.address, exchange.request.size());
    }
    // As on a thread of the server: between the operations of a call it goes on as the caller.
    const rpc::Batch batch;
    auto verdict = dispatcher_.handle(exchange);
    if (wire_.is_late) {
        verdict = dispatcher_.finish_late(exchange);
    } else {
        if (verdict == rpc::Verdict::guarded) verdict = dispatcher_.attempt(exchange);
        if (verdict == rpc::Verdict::worker) {
            ++wire_.on_workers;
            verdict = dispatcher_.finish(exchange);
        }
    }
    wire_.last_reply.clear();
    if (verdict == rpc::Verdict::reply) wire_.last_reply = exchange.reply.flat();
    return wire_.last_reply;
}

ServiceTest::ServiceTest(const ServiceOptions& options, const vfs::memory::Options& tree,
                         exports::UserGroups* groups)
    : tree_(vfs::memory::make(tree)),
      files_(std::make_shared<vfs::faulty::FileSystem>(tree_)),
      other_(vfs::memory::make()),
      exports_(make_exports(files_, other_), nullptr, {}, groups),
      sealer_(exports::HandleKey{key}),
      service_(exports_, sealer_, options),
      raw_(dispatcher_, wire_),
      client_(std::make_unique<Loopback>(dispatcher_, wire_), program, root_user) {
    dispatcher_.add(rpc::make_program(program, service_));
}

KeptHandle ServiceTest::root(std::string_view path) {
    const auto* exported = exports_.pin()->matches(path).front().found;
    const auto node = exported->files->root();
    return sealer_.seal(exported->id, (*node)->id()).bytes();
}

KeptHandle ServiceTest::through(std::string_view path, const KeptHandle& handle) {
    const auto opened = sealer_.open(FileHandle{handle}.bytes());
    return sealer_.seal(exports_.pin()->matches(path).front().found->id, opened->object).bytes();
}

void ServiceTest::become(std::uint32_t uid, std::uint32_t gid, std::vector<std::uint32_t> gids) {
    auto identity = root_user;
    identity.uid = uid;
    identity.gid = gid;
    identity.gids = std::move(gids);
    client_.become(std::move(identity));
}

void ServiceTest::become_nobody_known() {
    client_.become({.flavor = rpc::AuthFlavor::none});
}

std::span<const std::byte> ServiceTest::last_results() const {
    constexpr std::size_t header_bytes = 24;
    return std::span{wire_.last_reply}.subspan(header_bytes);
}

rpc::AcceptStatus ServiceTest::accepts(std::uint32_t procedure,
                                       std::span<const std::byte> arguments) {
    using Body = decltype(rpc::Message::body);
    static std::uint32_t xid = 0x70000000;
    xdr::Writer writer;
    xdr::encode(writer, rpc::Message{.xid = ++xid,
                                     .body = Body::make<rpc::MessageType::call>(
                                         {.rpc_version = rpc::rpc_version,
                                          .program = program.number,
                                          .version = program.version,
                                          .procedure = procedure})});
    auto request = writer.flat();
    request.insert(request.end(), arguments.begin(), arguments.end());
    xdr::Reader reader{raw_.exchange(std::move(request))};
    rpc::Message reply;
    xdr::decode(reader, reply);
    EXPECT_TRUE(reader.ok());
    const auto* body = reply.body.get_if<rpc::MessageType::reply>();
    const auto* accepted = body != nullptr ? body->get_if<rpc::ReplyStatus::accepted>() : nullptr;
    EXPECT_NE(accepted, nullptr);
    return accepted != nullptr ? accepted->body.discriminant() : rpc::AcceptStatus::system_error;
}

KeptHandle ServiceTest::make_file(const KeptHandle& directory, std::string_view name,
                                  std::string_view contents, std::uint32_t mode) {
    NewAttributes attributes;
    attributes.mode = mode;
    const auto made = succeed<Create>({.where = entry(directory, name),
                                       .how = Create::How::make<CreateMode::guarded>(attributes)});
    const KeptHandle file = *made.object;
    if (!contents.empty())
        succeed<Write>({.file = file,
                        .count = static_cast<std::uint32_t>(contents.size()),
                        .data = data_of(contents)});
    return file;
}

KeptHandle ServiceTest::make_directory(const KeptHandle& directory, std::string_view name,
                                       std::uint32_t mode) {
    NewAttributes attributes;
    attributes.mode = mode;
    const auto made =
        succeed<MakeDirectory>({.where = entry(directory, name), .attributes = attributes});
    return *made.object;
}

KeptHandle ServiceTest::make_link(const KeptHandle& directory, std::string_view name,
                                  std::string_view target) {
    const auto made = succeed<MakeSymbolicLink>(
        {.where = entry(directory, name), .attributes = {}, .target = target});
    return *made.object;
}

KeptHandle ServiceTest::make_fifo(const KeptHandle& directory, std::string_view name) {
    const auto made = succeed<MakeNode>(
        {.where = entry(directory, name), .what = MakeNode::What::make<FileType::fifo>()});
    return *made.object;
}

std::vector<KeptHandle> ServiceTest::make_others(const KeptHandle& directory) {
    std::vector<KeptHandle> others{make_directory(directory, "a directory"),
                                   make_link(directory, "a link", "target"),
                                   make_fifo(directory, "a fifo")};
    const auto socket = succeed<MakeNode>(
        {.where = entry(directory, "a socket"), .what = MakeNode::What::make<FileType::socket>()});
    others.emplace_back(*socket.object);
    const auto device = succeed<MakeNode>(
        {.where = entry(directory, "a device"),
         .what = MakeNode::What::make<FileType::block_device>({.number = {8, 1}})});
    others.emplace_back(*device.object);
    return others;
}

KeptHandle ServiceTest::lookup(const KeptHandle& directory, std::string_view name) {
    return succeed<Lookup>({entry(directory, name)}).object;
}

bool ServiceTest::exists(const KeptHandle& directory, std::string_view name) {
    return call<Lookup>({entry(directory, name)}).status() == Status::ok;
}

Attributes ServiceTest::attributes(const KeptHandle& object) {
    return succeed<GetAttributes>({object}).attributes;
}

std::string ServiceTest::contents(const KeptHandle& file) {
    return text_of(succeed<Read>({.file = file, .count = 1U << 20}).data.bytes());
}

KeptHandle ServiceTest::gone() {
    auto file = make_file(root(), "soon gone");
    succeed<Remove>({entry(root(), "soon gone")});
    return file;
}

void ServiceTest::before_next(vfs::faulty::Operation operation, std::function<void()> work) {
    files_->inject({.times = 0,
                    .applies = [operation, work = std::move(work),
                                is_done = false](vfs::faulty::Operation next) mutable {
                        if (next == operation && !std::exchange(is_done, true)) work();
                        return false;
                    }});
}

void ServiceTest::fail_all(vfs::faulty::Operation operation, std::errc error) {
    files_->inject({.error = error, .times = ~std::uint64_t{0}, .applies = [operation](auto next) {
                        return next == operation;
                    }});
}

vfs::NodePtr ServiceTest::inner(const KeptHandle& handle) {
    const auto opened = sealer_.open(FileHandle{handle}.bytes());
    return *tree_->find(opened->object, vfs::Patience::ample);
}

std::vector<std::byte> bytes_of_hex(std::string_view text) {
    std::vector<std::byte> bytes;
    unsigned value = 0;
    int digits = 0;
    for (const char c : text) {
        const auto digit = std::string_view{"0123456789abcdef"}.find(c);
        if (digit == std::string_view::npos) continue;
        value = value << 4 | static_cast<unsigned>(digit);
        if (++digits % 2 == 0) bytes.push_back(static_cast<std::byte>(value & 0xFF));
    }
    return bytes;
}

std::string hex_of(std::span<const std::byte> bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        if (i > 0 && i % 4 == 0) text += ' ';
        const auto value = std::to_integer<unsigned>(bytes[i]);
        text += digits[value >> 4];
        text += digits[value & 0xF];
    }
    return text;
}

bool operator==(const Time& a, const Time& b) {
    return a.seconds == b.seconds && a.nanoseconds == b.nanoseconds;
}

bool operator==(const Attributes& a, const Attributes& b) {
    xdr::Writer first;
    xdr::encode(first, a);
    xdr::Writer second;
    xdr::encode(second, b);
    return first.flat() == second.flat();
}

void expect_wcc(const Wcc& wcc, const Attributes& before) {
    EXPECT_TRUE(wcc.after);
    ASSERT_TRUE(wcc.before);
    EXPECT_EQ(wcc.before->size, before.size);
    EXPECT_EQ(wcc.before->modified, before.modified);
    EXPECT_EQ(wcc.before->changed, before.changed);
}

void expect_unchanged(const Wcc& wcc, const Attributes& now) {
    ASSERT_TRUE(wcc.after);
    EXPECT_EQ(*wcc.after, now);
    if (wcc.before) {
        EXPECT_EQ(wcc.before->changed, now.changed);
    }
}

}  // namespace berth::nfs
