// The log's queue, what it writes, and readers that don't read.
#include "server/log.hpp"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <future>
#include <optional>
#include <random>
#include <sstream>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/json/src.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include "rpc/peer_log.hpp"
#include "rpc/text/quoted.hpp"
#include "server/log_writer.hpp"
#include "server/printable.hpp"
#include "tests/support/gate.hpp"
#include "tests/support/temporary_directory.hpp"

namespace berth::server {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;

/// A pipe whose reader is the test.
class Pipe {
public:
    Pipe() {
        if (::pipe2(ends_.data(), O_CLOEXEC) != 0) throw std::runtime_error{"no pipe"};
    }
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;
    ~Pipe() {
        close_writer();
        ::close(ends_[0]);
    }

    [[nodiscard]] int writer() const { return ends_[1]; }
    void close_writer() {
        if (ends_[1] >= 0) ::close(std::exchange(ends_[1], -1));
    }
    /// Until nothing more goes in; how many bytes that were.
    std::size_t fill() {
        ::fcntl(ends_[1], F_SETFL, O_NONBLOCK);
        std::size_t count = 0;
        while (::write(ends_[1], "x", 1) == 1) ++count;
        ::fcntl(ends_[1], F_SETFL, 0);
        return count;
    }
    void skip(std::size_t count) {
        std::string skipped(count, '\0');
        for (std::size_t read = 0; read < count;)
            read += static_cast<std::size_t>(::read(ends_[0], skipped.data(), count - read));
    }
    /// To the end: when no writer is left.
    std::vector<std::string> lines() {
        std::ostringstream text;
        std::array<char, 4096> buffer;
        for (ssize_t count = 0; (count = ::read(ends_[0], buffer.data(), buffer.size())) > 0;)
            text.write(buffer.data(), count);
        std::istringstream in{text.str()};
        std::vector<std::string> lines;
        for (std::string line; std::getline(in, line);) lines.push_back(line);
        return lines;
    }

private:
    std::array<int, 2> ends_{};
};

class LogTest : public testing::Test {
protected:
    void TearDown() override { spdlog::set_default_logger(before_); }

    [[nodiscard]] Log::Options options() const {
        return {
            .format = LogFormat::text, .descriptor = pipe_.writer(), .queue = {}, .repeated = {}};
    }
    std::vector<std::string> written(Log& log) {
        EXPECT_TRUE(log.finish(test::patience));
        pipe_.close_writer();
        return pipe_.lines();
    }

    const std::shared_ptr<spdlog::logger> before_ = spdlog::default_logger();
    Pipe pipe_;
};

TEST_F(LogTest, LinesComeInTheirOrder) {
    Log log{options()};
    // A pipe that nobody reads takes 16 writes, if none of them can share a page.
    for (int i = 0; i < 700; ++i) spdlog::warn("line {}", i);
    const auto lines = written(log);
    ASSERT_EQ(lines.size(), 700U);
    for (std::size_t i = 0; i < lines.size(); ++i)
        ASSERT_THAT(lines[i], EndsWith(" warning: line " + std::to_string(i)));
}

TEST_F(LogTest, TheLevelDecides) {
    auto quiet = options();
    quiet.level = "warn";
    Log log{quiet};
    spdlog::info("not this");
    spdlog::error("this");
    EXPECT_THAT(written(log), ElementsAre(EndsWith(" error: this")));
}

TEST_F(LogTest, AStalledReaderCostsLinesWhichAreCounted) {
    const auto filled = pipe_.fill();
    Log log{options()};
    constexpr std::size_t count = 50'000;
    for (std::size_t i = 0; i < count; ++i) spdlog::info("line {}", i);  // returns, or this hangs
    pipe_.skip(filled);
    auto read = std::async(std::launch::async, [&] { return pipe_.lines(); });
    EXPECT_TRUE(log.finish(test::patience));
    pipe_.close_writer();
    std::size_t seen = 0;
    std::size_t dropped = 0;
    for (const auto& line : read.get()) {
        const auto text = line.substr(line.find(": ") + 2);
        if (line.find(" lines were dropped here") != std::string::npos)
            dropped += std::stoul(text);
        else
            EXPECT_EQ(text, "line " + std::to_string(seen++ + dropped));
    }
    EXPECT_GT(dropped, 0U);
    EXPECT_EQ(seen + dropped, count);
}

TEST_F(LogTest, AReaderThatIsGoneForGoodDoesNotHoldUpTheEnd) {
    pipe_.fill();
    Log log{options()};
    spdlog::info("nobody reads this");
    EXPECT_FALSE(log.finish(std::chrono::milliseconds{1}));
    spdlog::info("nor this");
}

TEST_F(LogTest, WhatIsLoggedAfterTheEndIsLost) {
    Log log{options()};
    spdlog::info("one");
    EXPECT_TRUE(log.finish(test::patience));
    spdlog::info("two");
    EXPECT_THAT(written(log), ElementsAre(EndsWith("one")));
}

TEST_F(LogTest, APeerThatRepeatsItselfIsLimited) {
    Log log{options()};
    const auto peer = *rpc::Address::parse("10.0.0.1");
    for (int i = 0; i < 1000; ++i) rpc::warn_of(peer, "{} sent nonsense", peer);
    spdlog::info("something else");
    EXPECT_THAT(written(log),
                ElementsAre(EndsWith("10.0.0.1 sent nonsense"), EndsWith("10.0.0.1 sent nonsense"),
                            EndsWith("10.0.0.1 sent nonsense"), EndsWith("something else"),
                            EndsWith("sent nonsense (997 more like this from 10.0.0.1)")));
}

TEST_F(LogTest, WhatAPeerDoesEachTimeIsSaidOnce) {
    Log log{options()};
    const auto peer = *rpc::Address::parse("10.0.0.1");
    for (int i = 0; i < 1000; ++i) rpc::info_rarely_of(peer, "{} asks for NFSv4", peer);
    EXPECT_THAT(written(log), ElementsAre(EndsWith("info: 10.0.0.1 asks for NFSv4")));
}

/// The server's zone is this one while it lives.
class Zone {
public:
    explicit Zone(const char* name) { set(name); }
    Zone(const Zone&) = delete;
    Zone& operator=(const Zone&) = delete;
    ~Zone() { set(before_ ? before_->c_str() : nullptr); }

private:
    static void set(const char* name) {
        if (name != nullptr)
            ::setenv("TZ", name, 1);
        else
            ::unsetenv("TZ");
        ::tzset();
    }

    const std::optional<std::string> before_ = [] {
        const char* const now = std::getenv("TZ");
        return now != nullptr ? std::optional<std::string>{now} : std::nullopt;
    }();
};

TEST_F(LogTest, TimesHaveTheirZone) {
    const std::string date = "20[0-9][0-9]-[01][0-9]-[0-3][0-9]";
    const std::string time = "T[0-2][0-9]:[0-5][0-9]:[0-6][0-9]\\.[0-9][0-9][0-9]";
    for (const auto& [zone, offset] :
         {std::pair{"UTC0", "\\+00:00"}, std::pair{"NPT-5:45", "\\+05:45"},
          std::pair{"NST3:30", "-03:30"}}) {
        const Zone there{zone};
        for (const auto format : {LogFormat::text, LogFormat::json}) {
            Pipe pipe;
            LogWriter writer{pipe.writer(), format};
            writer.add(spdlog::level::info, "now");
            writer.flush();
            pipe.close_writer();
            const auto stamp = date + time + offset;
            EXPECT_THAT(pipe.lines(),
                        ElementsAre(testing::MatchesRegex(
                            format == LogFormat::text
                                ? stamp + " info: now"
                                : "\\{\"time\":\"" + stamp +
                                      "\",\"level\":\"info\",\"message\":\"now\"\\}")));
        }
    }
}

/// A terminal, and what is written to it.
class Terminal {
public:
    Terminal() : outside_(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)) {
        ::grantpt(outside_);
        ::unlockpt(outside_);
        std::array<char, 64> name{};
        if (::ptsname_r(outside_, name.data(), name.size()) == 0)
            inside_ = ::open(name.data(), O_RDWR | O_NOCTTY | O_CLOEXEC);
        if (inside_ < 0) throw std::runtime_error{"no terminal"};
    }
    Terminal(const Terminal&) = delete;
    Terminal& operator=(const Terminal&) = delete;
    ~Terminal() {
        ::close(inside_);
        ::close(outside_);
    }

    /// Three lines, as far as they have the level and the text.
    std::string shown(LogFormat format) {
        LogWriter writer{inside_, format};
        for (const auto level : {spdlog::level::info, spdlog::level::warn, spdlog::level::err})
            writer.add(level, "text");
        writer.flush();
        std::array<char, 4096> buffer{};
        const auto count = ::read(outside_, buffer.data(), buffer.size());
        return {buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(count, 0))};
    }

private:
    int outside_;
    int inside_ = -1;
};

TEST(LogWriter, OnlyATerminalThatShowsThemHasColours) {
    ::unsetenv("NO_COLOR");
    ::setenv("TERM", "xterm", 1);
    Terminal terminal;
    const auto text = terminal.shown(LogFormat::text);
    EXPECT_THAT(text, HasSubstr(" info: text"));
    EXPECT_THAT(text, HasSubstr(" \x1b[33mwarning\x1b[0m: text"));
    EXPECT_THAT(text, HasSubstr(" \x1b[31merror\x1b[0m: text"));
    const auto is_plain = testing::Not(HasSubstr("\x1b"));
    EXPECT_THAT(terminal.shown(LogFormat::json), is_plain);
    ::setenv("TERM", "dumb", 1);
    EXPECT_THAT(terminal.shown(LogFormat::text), is_plain);
    ::setenv("TERM", "xterm", 1);
    ::setenv("NO_COLOR", "1", 1);
    EXPECT_THAT(terminal.shown(LogFormat::text), is_plain);
    ::setenv("NO_COLOR", "", 1);
    EXPECT_THAT(terminal.shown(LogFormat::text), HasSubstr("\x1b[33m")) << "as if it were not set";
    ::unsetenv("NO_COLOR");
    Pipe pipe;
    LogWriter writer{pipe.writer(), LogFormat::text};
    writer.add(spdlog::level::err, "text");
    writer.flush();
    pipe.close_writer();
    EXPECT_THAT(pipe.lines(), ElementsAre(EndsWith(" error: text")));
}

TEST_F(LogTest, NamesThatTheWireBringsForgeNoLines) {
    Log log{options()};
    spdlog::info("host {}", "a\n2026-01-01 error: forged\x1b[2J\xff");
    EXPECT_THAT(written(log),
                ElementsAre(EndsWith("host a\\x0a2026-01-01 error: forged\\x1b[2J\\xff")));
}

TEST_F(LogTest, JsonIsValidWhateverTheBytes) {
    auto json = options();
    json.format = LogFormat::json;
    Log log{json};
    std::mt19937 random{12};  // NOLINT(cert-msc51-cpp): the same bytes each time
    std::vector<std::string> texts{R"(C:\n "quoted" \u0041)"};
    for (int i = 0; i < 300; ++i) {
        std::string text(random() % 40, '\0');
        for (auto& c : text) c = static_cast<char>(random());
        texts.push_back(text);
    }
    for (const auto& text : texts) spdlog::warn("{}", text);
    const auto lines = written(log);
    ASSERT_EQ(lines.size(), texts.size());
    for (std::size_t i = 0; i < lines.size(); ++i) {
        const auto value = boost::json::parse(lines[i]);
        EXPECT_EQ(value.at("message").as_string(), printable(texts[i]));
        EXPECT_EQ(value.at("level").as_string(), "warning");
        EXPECT_TRUE(is_printable(lines[i]));
    }
}

TEST_F(LogTest, JsonHasTheClientAndThePathApart) {
    auto json = options();
    json.format = LogFormat::json;
    Log log{json};
    const rpc::Address client{};
    const std::string path = "/a\" \\x\n\xff'";
    rpc::warn_about(client, path, "mount by {} of {} refused", client, text::Quoted{path});
    rpc::warn_of(client, "{} sent nonsense", client);
    spdlog::info("nobody in particular");
    const auto lines = written(log);
    ASSERT_EQ(lines.size(), 3U);
    const auto about = boost::json::parse(lines[0]);
    EXPECT_EQ(about.at("client").as_string(), client.text());
    EXPECT_EQ(about.at("path").as_string(), R"(/a" \x5cx\x0a\xff')");
    EXPECT_EQ(about.at("message").as_string(),
              "mount by " + client.text() + R"( of '/a" \x5cx\x0a\xff\x27' refused)");
    const auto by = boost::json::parse(lines[1]).as_object();
    EXPECT_EQ(by.at("client").as_string(), client.text());
    EXPECT_FALSE(by.contains("path"));
    EXPECT_FALSE(boost::json::parse(lines[2]).as_object().contains("client"));
}

TEST_F(LogTest, ADeviceThatIsFullIsNoEnd) {
    const int full = ::open("/dev/full", O_WRONLY | O_CLOEXEC);
    ASSERT_GE(full, 0);
    {
        auto to_full = options();
        to_full.descriptor = full;
        Log log{to_full};
        for (int i = 0; i < 1000; ++i) spdlog::info("line {}", i);
        EXPECT_TRUE(log.finish(test::patience));
    }
    ::close(full);
}

TEST(LogWriter, LinesThatWereRefusedAreCountedWhenTheReaderIsBack) {
    ::signal(SIGPIPE, SIG_IGN);
    const test::TemporaryDirectory directory;
    const auto path = directory.path() / "fifo";
    ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
    const int before = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    const int writing = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    ::close(before);
    LogWriter writer{writing, LogFormat::text};
    writer.add(spdlog::level::info, "lost");
    writer.add(spdlog::level::info, "lost, too");
    writer.flush();
    const int after = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    writer.add(spdlog::level::info, "read");
    writer.flush();
    std::array<char, 4096> buffer{};
    ASSERT_GT(::read(after, buffer.data(), buffer.size() - 1), 0);
    const std::string text{buffer.data()};
    EXPECT_THAT(text, HasSubstr("warning: 2 lines were dropped here"));
    EXPECT_THAT(text, EndsWith("info: read\n"));
    EXPECT_EQ(std::ranges::count(text, '\n'), 2);
    ::close(after);
    ::close(writing);
}

class LogQueueTest : public testing::Test {
protected:
    void put(const std::string& text, spdlog::level::level_enum level = spdlog::level::info) {
        queue_.put({.level = level, .time = {}, .text = text});
    }
    /// As the writer would have it: "(2)" stands for two that were dropped.
    std::vector<std::string> taken() {
        LogQueue::Batch batch;
        std::vector<std::string> texts;
        do {
            queue_.take(batch, 1, std::chrono::steady_clock::time_point{});
            for (const auto& line : batch.lines) {
                if (line.dropped_before > 0)
                    texts.push_back("(" + std::to_string(line.dropped_before) + ")");
                texts.push_back(line.text);
            }
            if (batch.dropped > 0) texts.push_back("(" + std::to_string(batch.dropped) + ")");
        } while (!batch.lines.empty());
        return texts;
    }

    LogQueue queue_{{.lines_max = 4, .bytes_max = 40, .line_bytes_max = 10}};
};

TEST_F(LogQueueTest, DroppedLinesAreCountedWhereTheyWere) {
    for (const auto* text : {"a", "b", "c", "d"}) put(text);
    EXPECT_THAT(taken(), ElementsAre("a", "b", "(2)"));
    for (const auto* text : {"e", "f", "g"}) put(text);
    put("h", spdlog::level::warn);
    put("i");
    EXPECT_THAT(taken(), ElementsAre("e", "f", "(1)", "h", "(1)"));
    EXPECT_THAT(taken(), ElementsAre());
}

TEST_F(LogQueueTest, HalfOfTheRoomIsForWarnings) {
    for (int i = 0; i < 10; ++i) put("trace", spdlog::level::trace);
    for (int i = 0; i < 10; ++i) put("error", spdlog::level::err);
    EXPECT_THAT(taken(), ElementsAre("trace", "trace", "(8)", "error", "error", "(8)"));
}

TEST_F(LogQueueTest, BytesAreBoundedToo) {
    for (int i = 0; i < 4; ++i) put("123456789", spdlog::level::warn);
    put("12345", spdlog::level::warn);
    EXPECT_THAT(taken(), ElementsAre("123456789", "123456789", "123456789", "123456789", "(1)"));
}

TEST_F(LogQueueTest, LongLinesAreCut) {
    put("1234567890abc", spdlog::level::warn);
    EXPECT_THAT(taken(), ElementsAre("1234567890..."));
}

TEST_F(LogQueueTest, WhatWasThereWhenItClosedCanBeTaken) {
    put("a");
    queue_.close();
    put("b");
    LogQueue::Batch batch;
    queue_.take(batch, 100, {});
    EXPECT_TRUE(batch.is_last);
    ASSERT_EQ(batch.lines.size(), 1U);
    EXPECT_EQ(batch.lines[0].text, "a");
}

}  // namespace
}  // namespace berth::server
