#include "nlm/programs.hpp"

#include <algorithm>
#include <utility>

#include <spdlog/spdlog.h>

namespace berth::nlm {
namespace {

constexpr unsigned callback_threads = 4;
/// The kernel tells nobody when a lock goes that a local process holds: a wait in it for each of
/// thousands would take a thread each. Trying again costs a microsecond per file waited for.
constexpr std::chrono::milliseconds between_tries{50};
constexpr std::chrono::seconds between_tidyings{5};
constexpr std::size_t first_procedures = 16;

}  // namespace

Services::Services(const vfs::Exports& exports, const vfs::HandleSealer& sealer, Options options)
    : options_(std::move(options)),
      monitored_(options_.state_file, options_.lacks_state_file),
      callbacks_(options_.connect),
      watches_(options_.watches, callbacks_),
      grant_calls_(callbacks_,
                   [this] {
                       const std::lock_guard guard{lock_};
                       is_contended_ = true;
                       changed_.notify_all();
                   }),
      table_(options_.limits, grant_calls_),
      grace_(options_.grace, hosts_of(monitored_.to_notify())),
      recovery_(table_, monitored_, watches_, grace_, callbacks_, options_.host_name),
      locking_(exports, sealer, table_, grace_, monitored_),
      narrow_(locking_, callbacks_, recovery_),
      wide_(locking_, callbacks_, recovery_),
      nsm_(recovery_, watches_) {}

Services::~Services() {
    {
        const std::lock_guard guard{lock_};
        is_stopping_ = true;
        changed_.notify_all();
    }
    if (keeper_.joinable()) keeper_.join();
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
    is_keeping_ = true;
    keeper_ = std::thread{[this] { look_after(); }};
}

bool Services::stop(std::chrono::milliseconds patience) {
    {
        const std::lock_guard guard{lock_};
        is_stopping_ = true;
        changed_.notify_all();
    }
    const bool are_callbacks_over = callbacks_.stop(patience);
    {
        // A file system that hangs may keep it waiting.
        std::unique_lock held{lock_};
        if (!changed_.wait_for(held, patience, [this] { return !is_keeping_; })) return false;
    }
    tidy(std::chrono::steady_clock::now());
    return are_callbacks_over;
}

std::size_t Services::release(std::string_view client) {
    const auto is_meant = [client = std::string{client}](const Host& host) {
        return host.name == client || host.address.text() == client;
    };
    const auto freed =
        table_.free([is_meant](const Owner& owner, const Taken&) { return is_meant(owner.host); });
    for (const auto& host : monitored_.to_notify()) {
        if (!is_meant(host.host)) continue;
        grace_.not_awaited(host.host);
        monitored_.forget(host.host);
    }
    spdlog::info("locks: {} lock(s) of {} released by the operator", freed, client);
    return freed;
}

void Services::tidy(std::chrono::steady_clock::time_point used_since) {
    const auto hosts = table_.hosts();
    monitored_.keep([&](const Host& host) { return std::ranges::binary_search(hosts, host); },
                    used_since, std::chrono::steady_clock::now() - Grace::silence);
    static_cast<void>(grace_.is_on());
}

void Services::look_after() {
    auto next_tidying = std::chrono::steady_clock::now() + between_tidyings;
    std::unique_lock held{lock_};
    while (!is_stopping_) {
        const auto now = std::chrono::steady_clock::now();
        const auto until =
            is_contended_ ? std::min(next_tidying, now + between_tries) : next_tidying;
        changed_.wait_until(held, until);
        if (is_stopping_) break;
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
    is_keeping_ = false;
    changed_.notify_all();
}

}  // namespace berth::nlm
