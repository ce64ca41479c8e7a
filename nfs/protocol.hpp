// The 22 procedures of NFS version 3 — RFC 1813 §3.3: one struct each, with arguments and results
// in the RFC's order, and the policy for its calls.
#pragma once

#include "nfs/protocol/file_system.hpp"
#include "nfs/protocol/names.hpp"
#include "nfs/protocol/objects.hpp"
