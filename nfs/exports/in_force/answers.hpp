// The answers about clients: which entries with names match them. For export tables alone.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "nfs/exports/host_directory.hpp"
#include "nfs/exports/table.hpp"

namespace berth::exports::in_force {

/// The exports of a table, and the questions to ask about each of their clients: the distinct
/// entries with names, numbered.
struct Numbered {
    explicit Numbered(std::vector<Export> all);

    std::vector<Export> exports;
    std::vector<ClientPattern> questions;

    /// The number of this question, if it is one.
    [[nodiscard]] std::optional<std::size_t> find(const ClientPattern& question) const;
    /// The number of the question for the `rule`-th entry of one of these exports. Only for entries
    /// with names.
    [[nodiscard]] std::size_t question(const Export& exported, std::size_t rule) const noexcept {
        return numbers_[static_cast<std::size_t>(&exported - exports.data())][rule];
    }

private:
    std::uint32_t number_of(const ClientPattern& question);

    boost::unordered_flat_map<ClientPattern, std::uint32_t, ClientPatternHash> by_question_;
    std::vector<std::vector<std::uint32_t>> numbers_;  // by export and rule
};

using Clock = std::chrono::steady_clock;

/// Whether an entry matches a client; unknown: a service that may know could not be asked.
using Answer = Membership;

/// One client. Constant except for the mark that a call has used it, which all versions of it
/// share.
struct KnownClient {
    std::vector<Answer> answers;  ///< by the number of the question
    Clock::time_point fresh_until;
    Clock::time_point kept_until;  ///< while services can't be asked, the answers hold until then
    unsigned failures = 0;         ///< how many times in a row a service could not be asked
    std::shared_ptr<std::atomic<bool>> is_used = std::make_shared<std::atomic<bool>>(true);
};

struct AddressHash {
    std::size_t operator()(const ClientAddress& address) const noexcept {
        constexpr std::uint64_t spread = 0x9E3779B97F4A7C15;
        std::uint64_t halves[2];
        std::memcpy(halves, address.bytes.data(), sizeof halves);
        const auto mixed = (halves[0] * spread ^ halves[1]) * spread;
        return mixed ^ mixed >> 32;
    }
};

struct Answers {
    boost::unordered_flat_map<ClientAddress, std::shared_ptr<const KnownClient>, AddressHash>
        clients;

    /// nullptr if nothing is known about the client.
    [[nodiscard]] const KnownClient* find(const ClientAddress& client) const noexcept {
        const auto found = clients.find(client);
        if (found == clients.end()) return nullptr;
        auto& is_used = *found->second->is_used;
        if (!is_used.load(std::memory_order_relaxed))
            is_used.store(true, std::memory_order_relaxed);
        return found->second.get();
    }
};

}  // namespace berth::exports::in_force
