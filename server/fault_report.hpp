// `berth fault` and the rules of the command line: requests about faults, and the server's answers.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "nlm/programs.hpp"
#include "server/faults/faults.hpp"
#include "server/options.hpp"

namespace berth::server {

/// Faults with the rules of --faults and --fault. Throws UsageError. The arguments outlive them.
std::shared_ptr<faults::Faults> faults_of(const ServeOptions& options, rpc::Dispatcher& dispatcher,
                                          const faults::Paths& paths, nlm::Services& locks);

/// Throws UsageError if those rules have mistakes.
void check_faults(const ServeOptions& options, const rpc::Dispatcher& dispatcher);

[[nodiscard]] bool is_about_faults(std::string_view request);
/// The answer to "fault add RULE" and the like: the exit status of the command, a blank, and text
/// to print.
std::string answer_about_faults(faults::Faults& faults, nlm::Services& locks,
                                std::string_view request);

/// The command itself: asks the server of that state directory and prints the answer. Returns the
/// exit status. Throws UsageError if the server does not understand the rule, and
/// std::runtime_error if no server answers.
int ask_about_faults(Command command, const FaultOptions& options);

}  // namespace berth::server
