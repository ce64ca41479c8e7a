#include "nfs/exports/exports.hpp"

#include <mutex>
#include <optional>
#include <stdexcept>

#include "nfs/exports/in_force/learning.hpp"
#include "nfs/exports/in_force/slots.hpp"

namespace berth::exports {

struct Exports::Parts {
    Parts(Table first, UserGroups* of_users, vfs::MappedOwners known)
        : slots(std::move(first)),
          groups(of_users),
          mapped(std::move(known)) {}

    std::mutex putting;  // held while a table is put into force
    in_force::Slots slots;
    UserGroups* const groups;
    const vfs::MappedOwners mapped;
    std::optional<in_force::Learning> learning;
};

Exports::Exports() : Exports(std::vector<Export>{}) {}

Exports::Exports(std::vector<Export> exports) : Exports(std::move(exports), nullptr, {}) {}

Exports::Exports(std::vector<Export> exports, HostDirectory* hosts, const Limits& limits,
                 UserGroups* groups, vfs::MappedOwners mapped)
    : parts_(std::make_unique<Parts>(Table{std::move(exports)}, groups, std::move(mapped))) {
    if (hosts == nullptr) return;
    parts_->learning.emplace(parts_->slots, parts_->putting, *hosts, limits);
    parts_->learning->begin();
}

Exports::~Exports() = default;

Exports::Pin Exports::pin(const void* user) const noexcept {
    return parts_->slots.pin(user);
}

vfs::Result<Permit> Exports::admit(ExportId id, const CallOrigin& from, const Claim& claim,
                                   vfs::Patience patience, const void* user) const {
    for (bool may_learn = patience == vfs::Patience::ample;; may_learn = false) {
        auto exports = pin(user);
        const auto* exported = exports->find(id);
        if (exported == nullptr) return vfs::stale;
        const auto rule = exports->admit(*exported, from);
        if (rule) {
            const auto& options = (*rule)->options(claim.flavor);
            if (!options) return std::errc::permission_denied;
            auto caller = identify(*options, claim, parts_->groups, patience, parts_->mapped);
            if (!caller) return caller.error();
            return Permit{std::move(exports),
                          exported,
                          &*options,
                          {.identity = caller->identity},
                          std::move(caller->user)};
        }
        if (rule.error() == Refusal::insecure_port) return std::errc::operation_not_permitted;
        if (rule.error() == Refusal::unlisted) return std::errc::permission_denied;
        exports = {};  // unpins the table, so that waiting calls do not keep old tables alive
        if (!may_learn || !learn(from.client)) return vfs::would_block;
    }
}

void Exports::replace(std::vector<Export> exports) {
    Table next{std::move(exports)};
    {
        const std::scoped_lock held{parts_->putting};
        const auto& now = parts_->slots.in_force();
        next.answers_ = std::make_shared<const in_force::Answers>(
            in_force::Learning::carried_over(*now.answers_, *now.exports_, *next.exports_));
        if (!parts_->slots.put(std::move(next)))
            throw std::runtime_error{"calls that wait for a disk still use older exports"};
    }
    if (parts_->learning) parts_->learning->begin();
}

bool Exports::learn(const ClientAddress& client) const {
    return parts_->learning && parts_->learning->learn(client);
}

void Exports::sweep() const {
    if (parts_->learning) parts_->learning->refresh();
    const std::scoped_lock held{parts_->putting};
    parts_->slots.empty();
}

}  // namespace berth::exports
