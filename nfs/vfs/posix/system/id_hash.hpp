// Hashes object ids for tables.
#pragma once

#include <cstddef>

#include <xxhash.h>

#include "nfs/vfs/types.hpp"

namespace berth::vfs::posix {

struct IdHash {
    using is_avalanching = void;  // every bit of an id changes every bit of the hash
    std::size_t operator()(const ObjectId& id) const noexcept {
        const auto bytes = id.bytes();
        return XXH3_64bits(bytes.data(), bytes.size());
    }
};

}  // namespace berth::vfs::posix
