// A server in a user namespace, as in a container without root: the kernel knows some ids there and
// refuses the others.
//
// ThreadSanitizer's own thread keeps a process from entering one, and there is but one thread to
// look at here: its build does without these.
#ifndef __SANITIZE_THREAD__

#include <array>
#include <fstream>
#include <string>

#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gmock/gmock.h>

#include "nfs/exports/exports.hpp"
#include "nfs/vfs/kept_identity.hpp"
#include "tests/media/exported_directory.hpp"

namespace berth::vfs::posix {
namespace {

using testing::ElementsAre;

constexpr uid_t nobody = 65534;
constexpr std::uint32_t unmapped = 1'000'000;
constexpr uid_t first_outside = 100'000;

void check(bool is_done, const char* what) {
    if (!is_done) throw std::system_error{errno, std::generic_category(), what};
}

/// This process is root of a namespace of its own, with `map` for users and groups. Another one,
/// which stays outside, has to write that.
void enter_user_namespace(const std::string& map) {
    std::array<int, 2> entered{};
    check(::pipe(entered.data()) == 0, "pipe");
    const auto process = std::to_string(::getpid());
    const pid_t outside = ::fork();
    check(outside >= 0, "fork");
    if (outside == 0) {
        char byte = 0;
        bool is_written = ::read(entered[0], &byte, 1) == 1;
        for (const char* kind : {"uid_map", "gid_map"}) {
            std::ofstream file{"/proc/" + process + "/" + kind};
            is_written = (file << map).flush() && is_written;
        }
        ::_exit(is_written ? 0 : 1);
    }
    check(::unshare(CLONE_NEWUSER) == 0, "unshare");
    check(::write(entered[1], "x", 1) == 1, "write");
    int status = 0;
    check(::waitpid(outside, &status, 0) == outside && status == 0, "the maps");
    become_ordinary_user(0);
}

class UserNamespace : public ExportedDirectory {
protected:
    /// As a call is served that claims this.
    struct Served {
        exports::Permit permit;
        [[nodiscard]] Caller caller() const { return {.identity = permit.caller.identity}; }
    };
    Served admit(uid_t uid, gid_t gid) {
        claim.identity = {.uid = uid, .gid = gid, .groups = claimed};
        return {
            exports->admit(exports->pin()->all().front().id, {}, claim, Patience::ample).value()};
    }
    void serve() {
        open_again({});
        exports.emplace(std::vector{exports::make_export(
            "/x", std::shared_ptr<vfs::FileSystem>{std::shared_ptr<void>{}, files.get()})});
    }

    std::array<gid_t, 2> claimed{5, unmapped};
    std::array<gid_t, 2> room{};
    exports::Claim claim{.flavor = exports::Flavor::sys, .identity = {}, .room = room};
    std::optional<exports::Exports> exports;
};

TEST_F(UserNamespace, AGroupThatIsNotMappedIsLeftOut) {
    write_local(local / "f", "hello");
    in_child_process([&] {
        enter_user_namespace("0 100000 65536\n");
        serve();
        const auto served = admit(1000, 1001);
        EXPECT_THAT(served.permit.caller.identity.groups, ElementsAre(5));
        const auto file = root()->lookup(served.caller(), "f").value();
        EXPECT_EQ(file->access(served.caller(), may_read).value(), may_read);
        EXPECT_EQ(read_all(*file, served.caller()), "hello");
        EXPECT_TRUE(root()->list(served.caller(), 0, [](auto&) { return true; }));
        EXPECT_TRUE(root()->create(served.caller(), "g", {}));
        EXPECT_TRUE(is_server_acting());
    });
    EXPECT_EQ(local_status(local / "g").st_uid, first_outside + 1000);
    EXPECT_EQ(local_status(local / "g").st_gid, first_outside + 1001);
}

TEST_F(UserNamespace, AUserThatIsNotMappedIsAnonymous) {
    in_child_process([&] {
        enter_user_namespace("0 100000 65536\n");
        serve();
        const auto served = admit(unmapped, unmapped);
        EXPECT_TRUE(root()->create(served.caller(), "f", {}));
        EXPECT_TRUE(is_server_acting());
    });
    EXPECT_EQ(local_status(local / "f").st_uid, first_outside + nobody);
    EXPECT_EQ(local_status(local / "f").st_gid, first_outside + nobody);
}

TEST_F(UserNamespace, WhereAnonymousCallersHaveNoIdTheyAloneAreRefused) {
    in_child_process([&] {
        enter_user_namespace("0 100000 2000\n");
        serve();
        const auto stranger = admit(unmapped, 1000);
        EXPECT_EQ(error_of(root()->create(stranger.caller(), "f", {})),
                  std::errc::operation_not_permitted);
        EXPECT_TRUE(root()->create(admit(1000, 1000).caller(), "g", {}));
    });
}

TEST_F(UserNamespace, WhereOnlyRootIsMappedEverybodyActsAsTheServer) {
    in_child_process([&] {
        enter_user_namespace("0 100000 1\n");
        serve();
        EXPECT_THAT(files->describe(), testing::HasSubstr("every caller acts as uid 0"));
        EXPECT_TRUE(root()->create(admit(1000, 1000).caller(), "f", {}));
    });
    EXPECT_EQ(local_status(local / "f").st_uid, first_outside);
}

TEST_F(UserNamespace, NoGroupOfACallerStaysWithTheServer) {
    in_child_process([&] {
        enter_user_namespace("0 100000 65536\n");
        serve();
        const auto before = read_local("/proc/thread-self/status");
        EXPECT_TRUE(root()->create(admit(1000, 1000).caller(), "f", {}));
        const auto after = read_local("/proc/thread-self/status");
        const auto groups = [](const std::string& status) {
            const auto at = status.find("Groups:");
            return status.substr(at, status.find('\n', at) - at);
        };
        EXPECT_EQ(groups(after), groups(before));
    });
}

}  // namespace
}  // namespace berth::vfs::posix

#endif
