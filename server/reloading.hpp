// SIGHUP: puts changed exports and options into force; also follows mounts below exports. One
// thread at a time uses it.
#pragma once

#include <functional>
#include <string>
#include <utility>

#include "nfs/exports/exports.hpp"
#include "server/export_trees.hpp"
#include "server/following.hpp"
#include "server/name_check.hpp"
#include "server/options.hpp"
#include "server/service_manager.hpp"

namespace berth::server {

/// "serves 3 exports", for the service manager.
[[nodiscard]] std::string status_of(const exports::Table& exports);

class Reloading {
public:
    /// Reads the command line and the file of --config again; throws UsageError.
    using Reread = std::function<ServeOptions()>;
    /// Throws UsageError if what can't change while serving has mistakes in it.
    using Check = std::function<void(const ServeOptions& next)>;

    /// Everything referred to outlives this; `options` are in force.
    Reloading(exports::Exports& exports, ExportTrees& trees, Following& following, NameCheck& names,
              const ServiceManager& manager, ServeOptions options, Reread reread, Check check)
        : exports_(exports),
          trees_(trees),
          following_(following),
          names_(names),
          manager_(manager),
          options_(std::move(options)),
          reread_(std::move(reread)),
          check_(std::move(check)) {}

    /// Applies everything that can change while serving, or nothing at all; then the log says why.
    /// The log also names what can't change. The service manager is told when it begins and ends.
    void reload();

    /// Exports what is now mounted below exports as they say, and replaces directories that calls
    /// have found changed.
    void look_again();

private:
    void apply(const ServeOptions& next);
    void replace(const ExportTrees::Opening& opening);

    exports::Exports& exports_;
    ExportTrees& trees_;
    Following& following_;
    NameCheck& names_;
    const ServiceManager& manager_;
    ServeOptions options_;
    Reread reread_;
    Check check_;
};

}  // namespace berth::server
