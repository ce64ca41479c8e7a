// The client entries of one export, in order of precedence. Immutable, so any number of threads may
// use one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "nfs/exports/client_rule.hpp"

namespace berth::exports {

class ClientRules {
public:
    ClientRules() = default;
    explicit ClientRules(std::vector<ClientRule> rules);

    /// In order of precedence: the first that matches a client decides.
    [[nodiscard]] std::span<const ClientRule> all() const noexcept { return rules_; }

    /// The rule that decides for this client; nullptr if none matches. `answer(rule)` is called
    /// only for entries with names, and says whether the rule with this index matches the client.
    /// Addresses are found by halving. All other entries that come before the deciding one are
    /// looked at one by one, in every call: thousands of networks cost each call microseconds.
    template <class Answer>
    [[nodiscard]] const ClientRule* find(const ClientAddress& client, Answer answer) const {
        const auto known = rule_of_address(client);
        for (const auto at : others_) {
            if (at > known) break;
            const auto& pattern = rules_[at].client;
            const bool means = pattern.kind == ClientKind::everyone ? true
                               : pattern.kind == ClientKind::network
                                   ? pattern.network.contains(client)
                                   : answer(at);
            if (means) return &rules_[at];
        }
        return known < rules_.size() ? &rules_[known] : nullptr;
    }

private:
    [[nodiscard]] std::size_t rule_of_address(const ClientAddress& client) const noexcept;

    std::vector<ClientRule> rules_;
    std::vector<std::pair<ClientAddress, std::size_t>> by_address_;  // sorted
    std::vector<std::size_t> others_;  // rules that do not name a single address, ascending
};

}  // namespace berth::exports
