// Paths of objects in exports, for rules.
#pragma once

#include <span>
#include <string>

#include "nfs/exports/exports.hpp"
#include "nfs/exports/handle.hpp"
#include "server/faults/rule.hpp"

namespace berth::server::faults {

class ExportPaths final : public Paths {
public:
    /// Both outlive this.
    ExportPaths(const exports::Exports& exports, const exports::HandleSealer& sealer)
        : exports_(exports),
          sealer_(sealer) {}

    [[nodiscard]] std::string of_object(std::span<const std::byte> handle) const override;
    [[nodiscard]] std::string of_export(std::span<const std::byte> handle) const override;

private:
    const exports::Exports& exports_;
    const exports::HandleSealer& sealer_;
};

}  // namespace berth::server::faults
