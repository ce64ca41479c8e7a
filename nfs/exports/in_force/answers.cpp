#include "nfs/exports/in_force/answers.hpp"

#include <utility>

namespace berth::exports::in_force {

Numbered::Numbered(std::vector<Export> all) : exports(std::move(all)) {
    for (const auto& exported : exports) {
        const auto rules = exported.clients.all();
        std::vector<std::uint32_t> numbers(rules.size());
        for (std::size_t at = 0; at < rules.size(); ++at)
            if (rules[at].client.needs_names()) numbers[at] = number_of(rules[at].client);
        numbers_.push_back(std::move(numbers));
    }
}

std::uint32_t Numbered::number_of(const ClientPattern& question) {
    const auto next = static_cast<std::uint32_t>(questions.size());
    const auto [found, is_new] = by_question_.try_emplace(question, next);
    if (is_new) questions.push_back(question);
    return found->second;
}

std::optional<std::size_t> Numbered::find(const ClientPattern& question) const {
    const auto found = by_question_.find(question);
    return found == by_question_.end() ? std::nullopt : std::optional<std::size_t>{found->second};
}

}  // namespace berth::exports::in_force
