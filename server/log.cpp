#include "server/log.hpp"

#include <exception>
#include <stop_token>
#include <thread>
#include <utility>

#include <spdlog/sinks/sink.h>
#include <spdlog/spdlog.h>

#include "rpc/threads/background.hpp"
#include "server/log_writer.hpp"

namespace berth::server {

/// Shared with its thread, which may be stuck in a write when everything else has gone.
class LogSink final : public spdlog::sinks::sink {
public:
    explicit LogSink(const Log::Options& options)
        : queue_(options.queue),
          limits_(options.repeated),
          writer_(options.descriptor, options.format) {}

    void log(const spdlog::details::log_msg& message) override;
    void count_dropped() noexcept { queue_.count_dropped(); }

    // The writer formats lines and decides when to write them.
    void flush() override {}
    void set_pattern(const std::string& /*pattern*/) override {}
    void set_formatter(std::unique_ptr<spdlog::formatter> /*formatter*/) override {}

    static void start(const std::shared_ptr<LogSink>& sink);
    bool finish(std::chrono::milliseconds patience);

private:
    void run();
    void take_turn(LogQueue::Batch& batch);
    void add_summaries(LineLimits::Time until);

    LogQueue queue_;
    LineLimits limits_;
    LogWriter writer_;            // for the log's thread
    threads::Background thread_;  // only finish() uses it
};

void LogSink::log(const spdlog::details::log_msg& message) {
    const std::string_view text{message.payload.data(), message.payload.size()};
    const auto line = rpc::PeerLine::of(message.source);
    if (line && !limits_.admits(*line, message.level, text, std::chrono::steady_clock::now()))
        return;
    LogQueue::Said said{.level = message.level, .time = message.time, .text = text};
    if (line) {
        said.client = line->peer;
        said.path = line->path;
    }
    queue_.put(said);
}

void LogSink::start(const std::shared_ptr<LogSink>& sink) {
    sink->thread_ = threads::Background{"log", [sink](const std::stop_token&) { sink->run(); }};
}

void LogSink::run() {
    LogQueue::Batch batch;
    while (!batch.is_last) {
        try {
            take_turn(batch);
        } catch (const std::exception&) {
            // Without memory, these lines are lost; later there will be memory again.
            for (std::size_t i = 0; i < batch.lines.size(); ++i) queue_.count_dropped();
            std::this_thread::sleep_for(std::chrono::milliseconds{10});
        }
    }
}

void LogSink::take_turn(LogQueue::Batch& batch) {
    queue_.take(batch, LogWriter::chunk_bytes, limits_.next_end());
    for (const auto& line : batch.lines) writer_.add(line);
    writer_.add_dropped(batch.dropped);
    add_summaries(batch.is_last ? LineLimits::Time::max() : std::chrono::steady_clock::now());
    writer_.flush();
}

void LogSink::add_summaries(LineLimits::Time until) {
    for (const auto& summary : limits_.take_summaries(until))
        writer_.add(summary.level, summary.text);
}

bool LogSink::finish(std::chrono::milliseconds patience) {
    constexpr std::chrono::milliseconds to_look_up{200};
    if (!thread_) return true;
    queue_.close();
    const bool is_written = thread_.await_end(patience);
    writer_.give_up();
    // Else it is in a write that does not end, and keeps the sink alive.
    if (is_written || thread_.await_end(to_look_up))
        thread_ = {};
    else
        thread_.leave();
    return is_written;
}

Log::Log(const Options& options) : sink_(std::make_shared<LogSink>(options)) {
    LogSink::start(sink_);
    auto logger = std::make_shared<spdlog::logger>("berth", sink_);
    logger->set_level(spdlog::level::from_str(options.level));
    // By default spdlog reports a line that it can't format on stderr.
    logger->set_error_handler([sink = sink_.get()](const std::string&) { sink->count_dropped(); });
    spdlog::set_default_logger(std::move(logger));
}

Log::~Log() {
    finish(patience_at_end);
}

bool Log::finish(std::chrono::milliseconds patience) {
    return sink_->finish(patience);
}

}  // namespace berth::server
