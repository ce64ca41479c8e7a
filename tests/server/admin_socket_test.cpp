// The unix socket by which the operator asks a running server.
#include "server/admin_socket.hpp"

#include <future>
#include <stdexcept>

#include <sys/stat.h>

#include <boost/filesystem/operations.hpp>
#include <gtest/gtest.h>

#include "tests/support/gate.hpp"
#include "tests/support/temporary_directory.hpp"

namespace berth::server {
namespace {

std::string echo(std::string_view request) {
    return "asked for " + std::string{request};
}

TEST(AdminSocket, AnswersOneLine) {
    const test::TemporaryDirectory directory;
    const auto path = directory.path() / "admin.sock";
    const AdminSocket socket{path, echo};
    EXPECT_EQ(ask_server(path, "locks"), "asked for locks");
    EXPECT_EQ(ask_server(path, "release x y"), "asked for release x y");
    struct stat status {};
    ASSERT_EQ(::stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777U, 0600U);
}

TEST(AdminSocket, RequestsThatAreTooLongGetNoAnswer) {
    const test::TemporaryDirectory directory;
    const auto path = directory.path() / "admin.sock";
    const AdminSocket socket{path, echo};
    EXPECT_THROW(ask_server(path, std::string(AdminSocket::request_bytes_max, 'x')),
                 std::runtime_error);
    EXPECT_EQ(ask_server(path, "locks"), "asked for locks") << "it goes on";
}

TEST(AdminSocket, TakesThePlaceOfADeadOne) {
    const test::TemporaryDirectory directory;
    const auto path = directory.path() / "admin.sock";
    ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
    {
        const AdminSocket socket{path, echo};
        EXPECT_EQ(ask_server(path, "locks"), "asked for locks");
    }
    EXPECT_THROW(ask_server(path, "locks"), std::runtime_error);
}

TEST(AdminSocket, AnAnswerThatHangsIsNotWaitedForInVain) {
    const test::TemporaryDirectory directory;
    const auto path = directory.path() / "admin.sock";
    test::Gate gate;
    gate.close();
    AdminSocket socket{path, [&](std::string_view) {
                           gate.pass();
                           return std::string{"late"};
                       }};
    auto asked = std::async(std::launch::async, [&] { return ask_server(path, "locks"); });
    gate.await_held_back(1);
    EXPECT_FALSE(socket.stop({}));
    gate.open();
    EXPECT_EQ(asked.get(), "late");
    EXPECT_TRUE(socket.stop(test::patience));
}

TEST(AdminSocket, ItsPathMayBeLongerThanASocketAddress) {
    const test::TemporaryDirectory directory;
    const auto deep = directory.path() / std::string(200, 'd');
    boost::filesystem::create_directory(deep);
    const auto path = deep / "admin.sock";
    {
        const AdminSocket socket{path, echo};
        EXPECT_EQ(ask_server(path, "locks"), "asked for locks");
    }
    EXPECT_FALSE(boost::filesystem::exists(path));
    EXPECT_THROW(ask_server(path, "locks"), std::runtime_error);
}

TEST(AdminSocket, WithoutAServerOneSentenceSaysSo) {
    const test::TemporaryDirectory directory;
    try {
        ask_server(directory.path() / "admin.sock", "locks");
        FAIL();
    } catch (const std::runtime_error& error) {
        EXPECT_NE(std::string{error.what()}.find("no berth answers at"), std::string::npos);
    }
}

}  // namespace
}  // namespace berth::server
