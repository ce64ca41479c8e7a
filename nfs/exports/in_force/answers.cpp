#include "nfs/exports/in_force/answers.hpp"

#include <algorithm>

namespace berth::exports::in_force {

Numbered::Numbered(std::vector<Export> all) : exports(std::move(all)) {
    for (const auto& exported : exports) {
        std::vector<std::uint32_t> numbers;
        for (const auto& rule : exported.clients.all()) {
            auto found = std::ranges::find(questions, rule.client);
            const auto number = static_cast<std::uint32_t>(found - questions.begin());
            if (rule.client.needs_names() && found == questions.end())
                questions.push_back(rule.client);
            numbers.push_back(number);
        }
        numbers_.push_back(std::move(numbers));
    }
}

}  // namespace berth::exports::in_force
