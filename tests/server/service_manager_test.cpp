#include "server/service_manager.hpp"

#include <array>
#include <chrono>
#include <cstdlib>
#include <initializer_list>
#include <string>
#include <string_view>

#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "tests/support/gate.hpp"
#include "tests/support/temporary_directory.hpp"

namespace berth::server {
namespace {

using std::chrono::milliseconds;

/// The socket that a service manager listens on.
class ServiceManagerTest : public ::testing::Test {
protected:
    ServiceManagerTest() {
        const auto path = (directory_.path() / "notify").string();
        sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
        path.copy(address.sun_path, sizeof address.sun_path - 1);
        const auto* const generic = reinterpret_cast<const sockaddr*>(&address);
        EXPECT_EQ(::bind(socket_, generic, sizeof address), 0);
        ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
    }
    ~ServiceManagerTest() override {
        for (const auto* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC"}) ::unsetenv(name);
        ::close(socket_);
    }

    /// The next message; empty if there is none.
    std::string said() {
        std::array<char, 1024> text{};
        const auto length = ::recv(socket_, text.data(), text.size(), MSG_DONTWAIT);
        return length > 0 ? std::string(text.data(), static_cast<std::size_t>(length)) : "";
    }

private:
    test::TemporaryDirectory directory_;
    const int socket_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
};

TEST_F(ServiceManagerTest, IsToldHowTheServerIsDoing) {
    const ServiceManager manager;
    manager.serving("serves 1 export");
    EXPECT_EQ(said(), "READY=1\nSTATUS=serves 1 export");
    manager.rereading();
    EXPECT_TRUE(said().starts_with("RELOADING=1\nMONOTONIC_USEC="));
    manager.stopping();
    EXPECT_TRUE(said().starts_with("STOPPING=1\n"));
}

TEST_F(ServiceManagerTest, IsToldNothingWhereThereIsNone) {
    ::unsetenv("NOTIFY_SOCKET");
    const ServiceManager manager;
    manager.serving("serves 1 export");
    EXPECT_EQ(said(), "");
}

TEST_F(ServiceManagerTest, WaitsAsPollDoes) {
    ::setenv("WATCHDOG_USEC", "1000000", 1);
    ServiceManager manager;
    manager.show_life_while([] { return true; });
    const int event = ::eventfd(0, EFD_CLOEXEC);
    std::array<pollfd, 1> awaited{{{.fd = event, .events = POLLIN, .revents = 0}}};
    EXPECT_EQ(manager.wait(awaited, milliseconds{1}), 0);
    ::eventfd_write(event, 1);
    EXPECT_EQ(manager.wait(awaited, {}), 1);
    EXPECT_EQ(awaited[0].revents, POLLIN);
    ::close(event);
}

TEST_F(ServiceManagerTest, SeesSignsOfLifeOnlyWhileTheServerWorks) {
    ::setenv("WATCHDOG_USEC", "2000", 1);
    ServiceManager manager;
    EXPECT_EQ(manager.wait({}, milliseconds{5}), 0);
    EXPECT_EQ(said(), "") << "before it works";
    bool works = true;
    int asked = 0;
    manager.show_life_while([&] {
        ++asked;
        return works;
    });
    while (asked < 3) EXPECT_EQ(manager.wait({}, milliseconds{5}), 0);
    for (int i = 0; i < asked; ++i) EXPECT_EQ(said(), "WATCHDOG=1");
    EXPECT_EQ(said(), "");
    works = false;
    for (const int before = asked; asked < before + 3;)
        EXPECT_EQ(manager.wait({}, milliseconds{5}), 0);
    EXPECT_EQ(said(), "");
}

TEST_F(ServiceManagerTest, SeesWhatTroubleThereIs) {
    ServiceManager manager;
    manager.serving("serves 1 export");
    EXPECT_EQ(said(), "READY=1\nSTATUS=serves 1 export");
    std::string trouble;
    manager.show_trouble([&] { return trouble; });
    EXPECT_EQ(manager.wait({}, milliseconds{5}), 0);
    EXPECT_EQ(said(), "") << "nothing is new";
    for (const auto* what : {"a file system does not answer", ""}) {
        trouble = what;
        manager.show_trouble([&] { return trouble; });
        EXPECT_EQ(manager.wait({}, milliseconds{5}), 0);
        const auto rest = trouble.empty() ? trouble : "; " + trouble;
        EXPECT_EQ(said(), "STATUS=serves 1 export" + rest);
    }
}

TEST_F(ServiceManagerTest, SeesNoSignsThatItDoesNotAskFor) {
    ServiceManager manager;
    manager.show_life_while([] { return true; });
    EXPECT_EQ(manager.wait({}, milliseconds{5}), 0);
    EXPECT_EQ(said(), "");
}

}  // namespace
}  // namespace berth::server
