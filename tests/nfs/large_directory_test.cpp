// A large directory is listed by several clients at once, through sockets, while others ask for
// attributes on connections of the same network thread: all of the listing is done by workers. It
// is in memory, as making it on a disk takes long. With LONG_TESTS the kernel has to read it from a
// disk, for which the test has to be root, and how long calls held the network thread is printed.
#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "nfs/exports/exports.hpp"
#include "nfs/protocol.hpp"
#include "nfs/service.hpp"
#include "nfs/vfs/posix.hpp"
#include "rpc/client.hpp"
#include "rpc/server.hpp"
#include "tests/support/gate.hpp"
#include "tests/support/temporary_directory.hpp"

namespace berth::nfs {
namespace {

using Clock = std::chrono::steady_clock;

/// Which threads end which procedures, and how long that took at most.
class Threads final : public rpc::Interceptor {
public:
    void after(const rpc::Intercepted& call, rpc::Ending /*ending*/,
               rpc::Reply& /*reply*/) override {
        const std::scoped_lock held{lock_};
        auto& seen = seen_[{std::this_thread::get_id(), call.call().procedure.number}];
        seen.longest = std::max(seen.longest, call.ended_at() - call.began_at());
        ++seen.calls;
    }

    struct Seen {
        std::uint64_t calls = 0;
        Clock::duration longest{};  // from the beginning of its first run
    };
    /// What this thread has run of a procedure, to the end.
    std::optional<Seen> of(std::thread::id thread, std::uint32_t procedure) {
        const std::scoped_lock held{lock_};
        const auto found = seen_.find({thread, procedure});
        return found == seen_.end() ? std::nullopt : std::optional{found->second};
    }
    /// The one thread that runs what never waits for anything.
    std::thread::id network_thread() {
        const std::scoped_lock held{lock_};
        for (const auto& [where, seen] : seen_)
            if (where.second == Null::id.number) return where.first;
        return {};
    }

private:
    std::mutex lock_;
    std::map<std::pair<std::thread::id, std::uint32_t>, Seen> seen_;
};

class LargeDirectory : public ::testing::Test {
protected:
    LargeDirectory() {
        make_entries();
        auto files = std::shared_ptr{vfs::posix::open(directory_.path().string()).value()};
        const auto root = files->root().value()->id();
        exports_.replace(
            {exports::make_export("/large", std::move(files), {.squash = exports::Squash::none})});
        const auto handle = sealer_.seal(exports_.pin()->all().front().id, root);
        handle_.assign(handle.bytes().begin(), handle.bytes().end());
        dispatcher_.add(rpc::make_program(program, service_));
        dispatcher_.intercept(threads_);
        const std::vector<rpc::Server::Binding> wanted{
            {rpc::Transport::tcp, {*rpc::Address::parse("127.0.0.1"), 0}}};
        endpoint_ = server_.listen(wanted, dispatcher_).value().front().endpoint;
        server_.start();
    }

    rpc::Client client() const {
        const rpc::ClientIdentity root{.flavor = rpc::AuthFlavor::sys, .machine_name = "tester"};
        return {
            rpc::open_channel(rpc::Transport::tcp, endpoint_, {.give_up_after = test::patience}),
            program, root};
    }
    [[nodiscard]] FileHandle handle() const { return std::span<const std::byte>{handle_}; }

    static bool is_long() {
        const char* given = std::getenv("LONG_TESTS");
        return given != nullptr && *given != '\0';
    }
    static ReadDirectory::Args from(ReadDirectory /*procedure*/, const FileHandle& directory,
                                    std::uint64_t cookie, const Verifier& verifier) {
        return {directory, cookie, verifier, reply_bytes};
    }
    static ReadDirectoryPlus::Args from(ReadDirectoryPlus /*procedure*/,
                                        const FileHandle& directory, std::uint64_t cookie,
                                        const Verifier& verifier) {
        return {directory, cookie, verifier, reply_bytes, reply_bytes};
    }
    /// The whole directory; how many entries there were.
    template <class Procedure>
    std::size_t list() const {
        auto caller = client();
        std::size_t count = 0;
        std::uint64_t cookie = 0;
        Verifier verifier{};
        for (;;) {
            const auto answer =
                caller.call<Procedure>(from(Procedure{}, handle(), cookie, verifier));
            const auto* const ok = answer ? answer->ok() : nullptr;
            if (ok == nullptr) return 0;
            count += ok->entries.items.size();
            if (ok->eof) return count;
            cookie = ok->entries.items.back().cookie;
            verifier = ok->verifier;
        }
    }
    /// Asks for attributes until told to stop; how long each answer took, the quickest first.
    std::vector<Clock::duration> ask_for_attributes(const std::atomic<bool>& enough) const {
        auto caller = client();
        std::vector<Clock::duration> times;
        while (!enough) {
            const auto began = Clock::now();
            const auto answer = caller.call<GetAttributes>({handle()});
            EXPECT_TRUE(answer && answer->ok() != nullptr);
            times.push_back(Clock::now() - began);
        }
        std::ranges::sort(times);
        return times;
    }

    static constexpr std::uint32_t reply_bytes = 1U << 20;
    const std::size_t entries_ = is_long() ? 300'000 : 200'000;
    const std::shared_ptr<Threads> threads_ = std::make_shared<Threads>();

private:
    void make_entries() const {
        const int top = ::open(directory_.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        // Files are slow to make; names of the same one are not.
        constexpr std::size_t names_of_one = 50'000;
        std::string first;
        for (std::size_t n = 0; n < entries_; ++n) {
            const auto name = std::to_string(n);
            const bool is_first = n % names_of_one == 0;
            if (is_first) first = name;
            EXPECT_EQ(is_first ? ::mknodat(top, name.c_str(), S_IFREG | 0644, 0)
                               : ::linkat(top, first.c_str(), top, name.c_str(), 0),
                      0);
        }
        if (is_long()) {
            EXPECT_EQ(::syncfs(top), 0);  // what was never written is not forgotten
            std::ofstream{"/proc/sys/vm/drop_caches"} << "2";
        }
        ::close(top);
    }

    const test::TemporaryDirectory directory_{is_long() ? "/var/tmp" : "/dev/shm"};
    exports::Exports exports_;
    const exports::HandleSealer sealer_{
        exports::HandleKey{std::array<std::byte, exports::HandleKey::size>{}}};
    Service service_{exports_, sealer_, {}};
    rpc::Dispatcher dispatcher_;
    rpc::Server server_{{.network_threads = 1}};
    rpc::Endpoint endpoint_;
    std::vector<std::byte> handle_;
};

std::int64_t us(Clock::duration time) {
    return std::chrono::duration_cast<std::chrono::microseconds>(time).count();
}

TEST_F(LargeDirectory, is_listed_by_workers_alone) {
    ASSERT_TRUE(client().call<Null>({}));
    const auto network_thread = threads_->network_thread();
    std::atomic<bool> enough = false;
    std::vector<Clock::duration> times;
    std::thread other{[&] { times = ask_for_attributes(enough); }};
    std::array<std::size_t, 4> counts{};
    const auto began = Clock::now();
    {
        std::vector<std::jthread> clients;
        for (std::size_t n = 0; n < counts.size(); ++n)
            clients.emplace_back([&, n] {
                counts.at(n) = n % 2 == 0 ? list<ReadDirectory>() : list<ReadDirectoryPlus>();
            });
    }
    const auto took = Clock::now() - began;
    enough = true;
    other.join();

    for (const auto count : counts) EXPECT_EQ(count, entries_ + 2);
    for (const auto procedure : {ReadDirectory::id, ReadDirectoryPlus::id})
        EXPECT_FALSE(threads_->of(network_thread, procedure.number)) << procedure.name;
    const auto attributes = threads_->of(network_thread, GetAttributes::id.number);
    ASSERT_TRUE(attributes);
    if (!is_long()) return;
    std::cout << entries_ << " entries, listed " << counts.size() << " times in " << us(took)
              << " us; meanwhile " << attributes->calls << " GETATTRs, at most "
              << us(attributes->longest) << " us in the handler, answered in:";
    for (const double part : {0.5, 0.99, 0.999, 1.0})
        std::cout
            << ' '
            << us(times[static_cast<std::size_t>(part * static_cast<double>(times.size() - 1))])
            << " us (" << part * 100 << " %)";
    std::cout << '\n';
}

}  // namespace
}  // namespace berth::nfs
