// Finds out who clients are, on threads of its own: a name server may take its time. Locks itself.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "nfs/vfs/exports/answers.hpp"
#include "nfs/vfs/exports/slots.hpp"

namespace berth::vfs::exports {

class Learning {
public:
    /// Tables that know more are put into `slots` under `putting`. All outlive this.
    Learning(Slots& slots, std::mutex& putting, HostDirectory& hosts,
             const Exports::Limits& limits);
    Learning(const Learning&) = delete;
    Learning& operator=(const Learning&) = delete;
    ~Learning();

    /// Once there are questions: starts the threads. Not for a thread that acts as a client's user,
    /// as whom they would go on.
    void begin();

    [[nodiscard]] bool learn(const ClientAddress& client);
    /// Asks again about clients whose answers are old and that are still there; forgets the others.
    void refresh();

    /// What of `old` also answers the questions of `now`.
    static Answers carried_over(const Answers& old, const Numbered& asked, const Numbered& now);

private:
    struct KnownHost {
        HostAddresses addresses;
        Clock::time_point fresh_until;
        Clock::time_point kept_until;
    };
    class Interview;

    void run();
    void ask(const ClientAddress& client);
    /// False when the questions have changed meanwhile.
    bool publish(const ClientAddress& client, std::shared_ptr<KnownClient> known,
                 const Numbered& asked);
    [[nodiscard]] bool is_known(const ClientAddress& client);
    void enqueue(const ClientAddress& client);
    HostAddresses addresses(const std::string& host);

    static constexpr std::size_t threads = 4;

    Slots& slots_;
    std::mutex& putting_;
    HostDirectory& hosts_;
    const Exports::Limits limits_;

    std::mutex lock_;
    std::condition_variable has_work_;
    std::condition_variable has_answer_;
    std::deque<ClientAddress> queue_;               // at most clients_max
    std::vector<ClientAddress> being_asked_;        // at most one per thread
    std::map<std::string, KnownHost> known_hosts_;  // at most clients_max
    unsigned waiting_ = 0;
    bool is_stopping_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace berth::vfs::exports
