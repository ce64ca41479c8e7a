// SIGHUP: exports and options as they are now; and mounts below exports that come and go. Belongs
// to the main thread.
#pragma once

#include <functional>
#include <utility>

#include "nfs/vfs/exports.hpp"
#include "server/exporting.hpp"
#include "server/following.hpp"
#include "server/options.hpp"

namespace berth::server {

class Reloading {
public:
    /// What the command line and the file of --config say now; throws UsageError.
    using Reread = std::function<ServeOptions()>;

    /// All that is referred to outlives this; `options` are in force.
    Reloading(vfs::Exports& exports, Exporting& exporting, Following& following,
              ServeOptions options, Reread reread)
        : exports_(exports),
          exporting_(exporting),
          following_(following),
          options_(std::move(options)),
          reread_(std::move(reread)) {}

    /// Everything that can change while serving is as the files say, or nothing is and the log says
    /// why. What can't change is named in the log too.
    void reload();

    /// What is mounted below exports now is exported as they say, and where calls have found other
    /// directories than those exported, these are.
    void look_again();

private:
    void apply(const ServeOptions& next);
    void replace(const Exporting::Opening& opening);

    vfs::Exports& exports_;
    Exporting& exporting_;
    Following& following_;
    ServeOptions options_;
    Reread reread_;
};

}  // namespace berth::server
