#include "nfs/exports/client_rules.hpp"

#include <algorithm>

namespace berth::exports {

ClientRules::ClientRules(std::vector<ClientRule> rules) : rules_(std::move(rules)) {
    std::ranges::stable_sort(rules_, {}, [](const ClientRule& rule) { return rule.client.kind; });
    for (std::size_t at = 0; at < rules_.size(); ++at) {
        const auto& client = rules_[at].client;
        if (client.kind == ClientKind::host && !client.needs_names())
            by_address_.emplace_back(client.network.address, at);
        else
            others_.push_back(at);
    }
    std::ranges::sort(by_address_);
}

std::size_t ClientRules::rule_of_address(const ClientAddress& client) const noexcept {
    const auto found = std::ranges::lower_bound(by_address_, client, {},
                                                &std::pair<ClientAddress, std::size_t>::first);
    const bool is_known = found != by_address_.end() && found->first == client;
    return is_known ? found->second : rules_.size();
}

}  // namespace berth::exports
