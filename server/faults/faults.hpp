// Faults on order: the rules in force, and the interceptor that carries them out. Without rules no
// call is intercepted. Locks itself; any thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/thread/synchronized_value.hpp>

#include "nlm/grant_calls.hpp"
#include "rpc/dispatcher.hpp"
#include "server/faults/rule.hpp"
#include "server/faults/words.hpp"

namespace berth::server::faults {

class Faults final : public rpc::Interceptor, public std::enable_shared_from_this<Faults> {
public:
    static constexpr std::size_t rules_max = 1000;

    /// Both outlive this. To be made with std::make_shared.
    Faults(rpc::Dispatcher& dispatcher, const Paths& paths);

    /// Puts a rule behind the others; returns its name. Throws RuleError if there is one of that
    /// name, or if there are too many.
    std::string add(const std::string& text, const std::string& source);
    /// The same for a rule whose words are known.
    std::string add(const std::vector<Word>& words);
    /// False: there is no rule of that name. Calls that it holds go on.
    bool remove(std::string_view name);
    std::size_t clear();
    /// Has the calls that the rule holds go on, and later ones too. False: it holds none.
    bool release(std::string_view name);
    /// In their order.
    [[nodiscard]] std::vector<std::shared_ptr<Rule>> rules() const;

    rpc::Decision before(const rpc::Intercepted& call) override;

    /// What the rules do to a call of GRANTED, of which they see the client.
    [[nodiscard]] nlm::GrantFate fate_of(const nlm::Grant& grant);

private:
    using Rules = std::vector<std::shared_ptr<Rule>>;

    rpc::Decision carry_out(const Rules& rules, const Seen& seen);

    rpc::Dispatcher& dispatcher_;
    const Paths& paths_;
    const Clock::time_point began_ = Clock::now();
    boost::synchronized_value<Rules, std::mutex> rules_;
    std::atomic<std::uint64_t> last_number_{0};
};

}  // namespace berth::server::faults
