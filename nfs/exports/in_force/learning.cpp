#include "nfs/exports/in_force/learning.hpp"

#include <algorithm>
#include <new>
#include <optional>

namespace berth::exports::in_force {

/// The answers to the questions, from one client's names and addresses.
class Learning::Interview {
public:
    Interview(Learning& learning, const ClientAddress& client)
        : learning_(learning),
          client_(client),
          names_(learning.hosts_.names(client)) {}

    [[nodiscard]] Answer is_meant_by(const ClientPattern& pattern) {
        switch (pattern.kind) {
        case ClientKind::host: return is_host(pattern.name);
        case ClientKind::wildcard: {
            const auto matches = [&](const auto& name) {
                return matches_wildcard(pattern.name, name);
            };
            return std::ranges::any_of(names_.found, matches) ? Answer::yes : no_by_names();
        }
        case ClientKind::netgroup: return is_of_netgroup(pattern.name);
        case ClientKind::network:
        case ClientKind::everyone: break;
        }
        return Answer::no;
    }

private:
    /// The answer for an entry that no name of the client matches.
    [[nodiscard]] Answer no_by_names() const {
        return names_.is_whole ? Answer::no : Answer::unknown;
    }

    Answer is_of_netgroup(const std::string& netgroup) {
        auto answer = learning_.hosts_.is_member(netgroup, client_.text());
        for (auto name = names_.found.begin(); name != names_.found.end() && answer != Answer::yes;
             ++name) {
            const auto by_name = learning_.hosts_.is_member(netgroup, *name);
            if (by_name != Answer::no) answer = by_name;
        }
        return answer == Answer::no ? no_by_names() : answer;
    }

    Answer is_host(const std::string& host) {
        const auto addresses = learning_.addresses(host);
        if (std::ranges::find(addresses.found, client_) != addresses.found.end())
            return Answer::yes;
        return addresses.has_all_like(client_) ? Answer::no : Answer::unknown;
    }

    Learning& learning_;
    const ClientAddress client_;
    const HostNames names_;
};

Learning::Learning(Slots& slots, std::mutex& putting, HostDirectory& hosts,
                   const Exports::Limits& limits)
    : slots_(slots),
      putting_(putting),
      hosts_(hosts),
      limits_(limits) {}

Learning::~Learning() {
    {
        const std::scoped_lock held{lock_};
        is_stopping_ = true;
    }
    has_answer_.notify_all();
    for (auto& thread : threads_) thread.ask_to_stop();
    threads_.clear();
}

void Learning::begin() {
    const auto table = slots_.pin(this);
    if (table->exports_->questions.empty() || !threads_.empty()) return;
    for (std::size_t n = 0; n < threads_max; ++n)
        threads_.emplace_back("clients-" + std::to_string(n),
                              [this](const std::stop_token& stop) { run(stop); });
}

// If a service could not be asked, the missing answer counts as known for a while.
bool Learning::is_known(const ClientAddress& client) {
    const auto table = slots_.pin(this);
    if (table->exports_->questions.empty()) return true;
    const auto* known = table->answers_->find(client);
    return known != nullptr && (known->failures == 0 || Clock::now() < known->fresh_until);
}

void Learning::enqueue(const ClientAddress& client) {
    const auto is_in = [&](const auto& list) {
        return std::ranges::find(list, client) != list.end();
    };
    if (queue_.size() >= limits_.clients_max || is_in(queue_) || is_in(being_asked_)) return;
    queue_.push_back(client);
    has_work_.notify_one();
}

bool Learning::learn(const ClientAddress& client) {
    if (is_known(client)) return true;
    std::unique_lock held{lock_};
    enqueue(client);
    if (waiting_ >= limits_.waiting_max) return false;
    ++waiting_;
    has_answer_.wait_for(held, limits_.patience, [&] { return is_stopping_ || is_known(client); });
    --waiting_;
    return is_known(client);
}

void Learning::run(const std::stop_token& stop) {
    std::unique_lock held{lock_};
    while (has_work_.wait(held, stop, [this] { return !queue_.empty(); }) &&
           !stop.stop_requested()) {
        const auto client = queue_.front();
        queue_.pop_front();
        being_asked_.push_back(client);
        held.unlock();
        try {
            ask(client);
        } catch (const std::bad_alloc&) {  // the next caller asks again
        }
        held.lock();
        std::erase(being_asked_, client);
        has_answer_.notify_all();
    }
}

void Learning::ask(const ClientAddress& client) {
    constexpr unsigned doublings_max = 3;
    for (bool is_published = false; !is_published;) {
        std::shared_ptr<const Numbered> asked;
        std::shared_ptr<const KnownClient> before;
        {
            const auto table = slots_.pin(this);
            asked = table->exports_;
            const auto known = table->answers_->clients.find(client);
            if (known != table->answers_->clients.end()) before = known->second;
        }
        auto known = std::make_shared<KnownClient>();
        Interview interview{*this, client};
        const auto begin = Clock::now();
        bool has_gaps = false;
        for (const auto& question : asked->questions) {
            auto answer = interview.is_meant_by(question);
            if (answer == Answer::unknown) {
                has_gaps = true;
                if (before && begin < before->kept_until)
                    answer = before->answers[known->answers.size()];
            }
            known->answers.push_back(answer);
        }
        const auto now = Clock::now();
        known->kept_until =
            has_gaps && before ? before->kept_until : now + limits_.old_answers_last;
        known->fresh_until = now + limits_.answers_last;
        if (has_gaps) {
            known->failures = before ? before->failures + 1 : 1;
            const auto doublings = std::min(known->failures - 1, doublings_max);
            known->fresh_until = now + limits_.retry_after * (1U << doublings);
        }
        is_published = publish(client, std::move(known), *asked);
    }
}

bool Learning::publish(const ClientAddress& client, std::shared_ptr<KnownClient> known,
                       const Numbered& asked) {
    const std::scoped_lock held{putting_};
    auto table = slots_.in_force();
    if (table.exports_.get() != &asked) return false;
    auto answers = std::make_shared<Answers>(*table.answers_);
    auto& clients = answers->clients;
    if (clients.size() >= limits_.clients_max && !clients.contains(client))
        clients.erase(std::ranges::min_element(clients, {}, [](const auto& entry) {
            return std::pair{entry.second->is_used->load(), entry.second->fresh_until};
        }));
    auto& entry = clients[client];
    // Asking again about a client does not mean that the client was active.
    if (entry) known->is_used = entry->is_used;
    entry = std::move(known);
    table.answers_ = std::move(answers);
    // If calls that can't end keep every slot, the next caller asks again.
    static_cast<void>(slots_.put(std::move(table)));
    return true;
}

HostAddresses Learning::addresses(const std::string& host) {
    {
        const std::scoped_lock held{lock_};
        const auto known = known_hosts_.find(host);
        if (known != known_hosts_.end() && Clock::now() < known->second.fresh_until)
            return known->second.addresses;
    }
    auto found = hosts_.addresses(host);
    const auto now = Clock::now();
    const std::scoped_lock held{lock_};
    if (!found.has_all_v4 || !found.has_all_v6) {
        const auto known = known_hosts_.find(host);
        if (known == known_hosts_.end() || now >= known->second.kept_until) return found;
        known->second.fresh_until = now + limits_.retry_after;
        return known->second.addresses;
    }
    if (known_hosts_.size() >= limits_.clients_max) known_hosts_.clear();
    known_hosts_[host] = {found, now + limits_.answers_last, now + limits_.old_answers_last};
    return found;
}

void Learning::refresh() {
    const auto now = Clock::now();
    const std::scoped_lock putting{putting_};
    auto table = slots_.in_force();
    auto answers = std::make_shared<Answers>();
    std::vector<ClientAddress> old;
    for (const auto& [client, known] : table.answers_->clients) {
        const bool is_fresh = now < known->fresh_until;
        const bool is_used = !is_fresh && known->is_used->exchange(false);
        if (is_fresh || is_used) answers->clients.emplace(client, known);
        if (is_used) old.push_back(client);
    }
    if (answers->clients.size() != table.answers_->clients.size()) {
        table.answers_ = std::move(answers);
        static_cast<void>(slots_.put(std::move(table)));
    }
    const std::scoped_lock held{lock_};
    for (const auto& client : old) enqueue(client);
}

Answers Learning::carried_over(const Answers& old, const Numbered& asked, const Numbered& now) {
    Answers answers;
    std::vector<std::optional<std::size_t>> places;
    for (const auto& question : now.questions) places.push_back(asked.find(question));
    const bool has_new = std::ranges::any_of(places, [](const auto& place) { return !place; });
    for (const auto& [client, known] : old.clients) {
        auto carried = std::make_shared<KnownClient>();
        for (const auto place : places)
            carried->answers.push_back(place ? known->answers[*place] : Answer::unknown);
        carried->kept_until = known->kept_until;
        // New questions are asked at once.
        carried->failures = has_new ? std::max(known->failures, 1U) : known->failures;
        carried->fresh_until = has_new ? Clock::time_point{} : known->fresh_until;
        carried->is_used = known->is_used;
        answers.clients.emplace(client, std::move(carried));
    }
    return answers;
}

}  // namespace berth::exports::in_force
