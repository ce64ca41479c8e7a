// The object that a handle in a call names, and what replies say about it.
#pragma once

#include <utility>

#include "nfs/access/target.hpp"
#include "nfs/attributes.hpp"
#include "nfs/types.hpp"
#include "nfs/vfs/file_system.hpp"

namespace berth::nfs {

struct Target : access::Target {
    using access::Target::Target;
    explicit Target(access::Target&& found) noexcept : access::Target{std::move(found)} {}

    /// Attributes as this caller sees them.
    [[nodiscard]] Attributes shown(const vfs::Attributes& attributes) const {
        return to_wire(attributes, *exported, *options);
    }
    /// The current attributes, or none if they can't be had. If reading them would have to wait,
    /// the call is deferred.
    [[nodiscard]] PostOpAttributes attributes() const { return attributes_of(*node); }
    [[nodiscard]] PostOpAttributes attributes_of(vfs::Node& other) const;
    /// For replies to calls that changed nothing: without attributes from before.
    [[nodiscard]] Wcc unchanged() const { return {.before = {}, .after = attributes()}; }
};

}  // namespace berth::nfs
