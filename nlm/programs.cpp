#include "nlm/programs.hpp"

#include <algorithm>
#include <utility>

#include <spdlog/spdlog.h>

namespace berth::nlm {
namespace {

constexpr unsigned callback_threads = 4;
/// The kernel does not report when a local process releases a lock, and blocking in the kernel
/// would take a thread for each of thousands of waits. A retry costs a microsecond per file waited
/// for.
constexpr std::chrono::milliseconds between_tries{50};
constexpr std::chrono::seconds between_tidyings{5};
constexpr std::size_t first_procedures = 16;

}  // namespace

Services::Services(const exports::Exports& exports, const exports::HandleSealer& sealer,
                   Options options)
    : options_(std::move(options)),
      monitored_(options_.state, options_.lacks_state),
      callbacks_(options_.connect),
      watches_(options_.state, options_.watches, callbacks_),
      grant_calls_(callbacks_,
                   [this] {
                       const std::lock_guard guard{lock_};
                       is_contended_ = true;
                       changed_.notify_all();
                   }),
      table_(options_.limits, grant_calls_),
      grace_(options_.grace, {.hosts = hosts_of(monitored_.to_notify()),
                              .may_lack_some = monitored_.may_lack_hosts()}),
      recovery_(table_, monitored_, watches_, grace_, callbacks_, options_.host_name),
      locking_(exports, sealer, table_, grace_, monitored_),
      narrow_(locking_, callbacks_, recovery_),
      wide_(locking_, callbacks_, recovery_),
      nsm_(recovery_, watches_) {}

Services::~Services() {
    keeper_ = {};
    callbacks_.end();
}

std::vector<rpc::Program> Services::programs() {
    std::vector<rpc::Program> programs{
        rpc::make_program(id1, narrow_), rpc::make_program(id2, narrow_),
        rpc::make_program(id3, narrow_), rpc::make_program(id4, wide_),
        rpc::make_program(nsm::id1, nsm_)};
    for (auto& program : programs)
        if (program.id.number == program_number && program.id.version < id3.version)
            program.procedures.resize(first_procedures);
    return programs;
}

void Services::start() {
    recovery_.notify_all();
    callbacks_.start(callback_threads);
    keeper_ = threads::Background{"locks", [this](const auto& stop) { look_after(stop); }};
}

bool Services::stop(std::chrono::milliseconds patience) {
    keeper_.ask_to_stop();
    const bool are_callbacks_over = callbacks_.stop(patience);
    // A file system that hangs may hold up the thread.
    if (!keeper_.stop(patience)) return false;
    tidy(std::chrono::steady_clock::now());
    return are_callbacks_over;
}

std::size_t Services::release(std::string_view client) {
    const auto is_meant = [client = std::string{client}](const Host& host) {
        return host.name == client || host.address.text() == client;
    };
    auto freed =
        table_.free([is_meant](const Owner& owner, const Taken&) { return is_meant(owner.host); });
    for (const auto& host : monitored_.to_notify()) {
        if (!is_meant(host.host)) continue;
        grace_.not_awaited(host.host);
        monitored_.forget(host.host);
        ++freed;  // what it had before the restart
    }
    if (freed > 0) spdlog::info("locks: {} lock(s) of {} released by the operator", freed, client);
    return freed;
}

void Services::tidy(std::chrono::steady_clock::time_point used_since) {
    const auto hosts = table_.hosts();
    monitored_.keep([&](const Host& host) { return std::ranges::binary_search(hosts, host); },
                    used_since, std::chrono::steady_clock::now() - Grace::silence);
    if (!grace_.is_on()) monitored_.all_have_reclaimed();
}

void Services::look_after(const std::stop_token& stop) {
    auto next_tidying = std::chrono::steady_clock::now() + between_tidyings;
    std::unique_lock held{lock_};
    while (!stop.stop_requested()) {
        // Locks that have become contended are retried after a while, not at once.
        const bool was_contended = is_contended_;
        const auto soon = std::chrono::steady_clock::now() + between_tries;
        changed_.wait_until(held, stop, was_contended ? std::min(next_tidying, soon) : next_tidying,
                            [&] { return is_contended_ && !was_contended; });
        if (stop.stop_requested()) return;
        if (is_contended_ && !was_contended) continue;
        const bool is_contended = std::exchange(is_contended_, false);
        held.unlock();
        const bool still = is_contended && table_.retry();
        if (std::chrono::steady_clock::now() >= next_tidying) {
            tidy(std::chrono::steady_clock::now() - between_tidyings);
            next_tidying = std::chrono::steady_clock::now() + between_tidyings;
        }
        held.lock();
        is_contended_ = is_contended_ || still;
    }
}

}  // namespace berth::nlm
