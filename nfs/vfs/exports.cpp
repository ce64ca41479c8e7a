#include "nfs/vfs/exports.hpp"

#include <mutex>
#include <optional>
#include <stdexcept>

#include "nfs/vfs/exports/learning.hpp"
#include "nfs/vfs/exports/slots.hpp"

namespace berth::vfs {

struct Exports::Parts {
    Parts(ExportTable first, UserGroups* of_users, MappedOwners known)
        : slots(std::move(first)),
          groups(of_users),
          mapped(std::move(known)) {}

    std::mutex putting;  // held by whoever puts a table into force
    exports::Slots slots;
    UserGroups* const groups;
    const MappedOwners mapped;
    std::optional<exports::Learning> learning;
};

Exports::Exports() : Exports(std::vector<Export>{}) {}

Exports::Exports(std::vector<Export> exports) : Exports(std::move(exports), nullptr, {}) {}

Exports::Exports(std::vector<Export> exports, HostDirectory* hosts, const Limits& limits,
                 UserGroups* groups, MappedOwners mapped)
    : parts_(std::make_unique<Parts>(ExportTable{std::move(exports)}, groups, std::move(mapped))) {
    if (hosts == nullptr) return;
    parts_->learning.emplace(parts_->slots, parts_->putting, *hosts, limits);
    parts_->learning->begin();
}

Exports::~Exports() = default;

Exports::Pin Exports::pin(const void* user) const noexcept {
    return parts_->slots.pin(user);
}

Result<Permit> Exports::admit(ExportId id, const CallOrigin& from, const Claim& claim, Wait wait,
                              const void* user) const {
    for (bool may_learn = wait == Wait::yes;; may_learn = false) {
        auto exports = pin(user);
        const auto* exported = exports->find(id);
        if (exported == nullptr) return stale;
        const auto rule = exports->admit(*exported, from);
        if (rule) {
            const auto& options = (*rule)->options(claim.flavor);
            if (!options) return std::errc::permission_denied;
            auto caller = identify(*options, claim, parts_->groups, wait, parts_->mapped);
            if (!caller) return caller.error();
            return Permit{std::move(exports), exported, &*options, *std::move(caller)};
        }
        if (rule.error() == Refusal::insecure_port) return std::errc::operation_not_permitted;
        if (rule.error() == Refusal::unlisted) return std::errc::permission_denied;
        exports = {};  // other calls must not be kept from newer ones meanwhile
        if (!may_learn || !learn(from.client)) return would_block;
    }
}

void Exports::replace(std::vector<Export> exports) {
    ExportTable next{std::move(exports)};
    {
        const std::scoped_lock held{parts_->putting};
        const auto& now = parts_->slots.in_force();
        next.answers_ = std::make_shared<const exports::Answers>(
            exports::Learning::carried_over(*now.answers_, *now.exports_, *next.exports_));
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

}  // namespace berth::vfs
