// The 22 procedures of NFS version 3 — RFC 1813 §3.3: one struct each, arguments and results in the
// RFC's order, and the policy of its calls.
#pragma once

#include "nfs/protocol/file_system.hpp"
#include "nfs/protocol/names.hpp"
#include "nfs/protocol/objects.hpp"
