// Hashes object ids for tables.
#pragma once

#include <cstddef>
#include <functional>
#include <string_view>

#include "nfs/vfs/types.hpp"

namespace berth::vfs::posix {

struct IdHash {
    std::size_t operator()(const ObjectId& id) const noexcept {
        const auto bytes = id.bytes();
        return std::hash<std::string_view>{}(
            {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    }
};

}  // namespace berth::vfs::posix
