// Says at the start what the server can't do for lack of privileges, and which options are in vain.
// A plain function.
#pragma once

#include "server/export_trees.hpp"
#include "server/options.hpp"

namespace berth::server {

/// Throws UsageError if this process is root of the machine, but can't act as its callers:
/// squashing would not work, and everybody would be root.
void refuse_root_for_everybody(const ExportTrees::Opening& opening);

/// The same. Logs what may not have been meant so (ServeOptions::doubts), the capabilities that
/// root usually has and this process lacks, and the options that can't work because the server
/// can't act as its callers.
void say_what_cannot_work(const ServeOptions& options, const ExportTrees::Opening& opening);

}  // namespace berth::server
