// Finds out about clients on threads of its own: a name server may be slow. Locks itself.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <vector>

#include "nfs/exports/in_force/answers.hpp"
#include "nfs/exports/in_force/slots.hpp"
#include "rpc/threads/background.hpp"

namespace berth::exports::in_force {

class Learning {
public:
    /// Puts tables with more answers into `slots` under `putting`. All outlive this.
    Learning(Slots& slots, std::mutex& putting, HostDirectory& hosts,
             const Exports::Limits& limits);
    Learning(const Learning&) = delete;
    Learning& operator=(const Learning&) = delete;
    ~Learning();

    /// Starts the threads, once there are questions. Not for a thread that acts as a client's user,
    /// because the new threads would act as that user too.
    void begin();

    [[nodiscard]] bool learn(const ClientAddress& client);
    /// Asks again about clients that have old answers and were used since; forgets the others.
    void refresh();

    /// Those answers in `old` that also answer questions of `now`.
    static Answers carried_over(const Answers& old, const Numbered& asked, const Numbered& now);

private:
    struct KnownHost {
        HostAddresses addresses;
        Clock::time_point fresh_until;
        Clock::time_point kept_until;
    };
    class Interview;

    void run(const std::stop_token& stop);
    void ask(const ClientAddress& client);
    /// False if the questions have changed meanwhile.
    bool publish(const ClientAddress& client, std::shared_ptr<KnownClient> known,
                 const Numbered& asked);
    [[nodiscard]] bool is_known(const ClientAddress& client);
    void enqueue(const ClientAddress& client);
    HostAddresses addresses(const std::string& host);

    static constexpr std::size_t threads_max = 4;

    Slots& slots_;
    std::mutex& putting_;
    HostDirectory& hosts_;
    const Exports::Limits limits_;

    std::condition_variable_any has_work_;
    std::condition_variable has_answer_;
    std::mutex lock_;
    // Guarded by lock_:
    std::deque<ClientAddress> queue_;               // at most clients_max
    std::vector<ClientAddress> being_asked_;        // at most one per thread
    std::map<std::string, KnownHost> known_hosts_;  // at most clients_max
    unsigned waiting_ = 0;
    bool is_stopping_ = false;

    std::vector<threads::Background> threads_;
};

}  // namespace berth::exports::in_force
