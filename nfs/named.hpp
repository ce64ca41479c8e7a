// What a call of NFS version 3 names: for interceptors that choose calls by what they are about.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include <boost/container/static_vector.hpp>

#include "rpc/interceptor.hpp"

namespace berth::nfs {

/// An object by its handle, or an entry by the handle of its directory and its name.
struct NamedObject {
    std::span<const std::byte> handle;
    std::string_view name;  ///< empty: the object itself

    /// The handle's bytes, as a key for containers.
    [[nodiscard]] std::string_view handle_key() const noexcept {
        return {reinterpret_cast<const char*>(handle.data()), handle.size()};
    }
};

/// Points into the call's bytes.
struct Named {
    boost::container::static_vector<NamedObject, 2> objects;  ///< in the order of the arguments
    // Of READ, WRITE and COMMIT:
    std::optional<std::uint64_t> offset;
    std::optional<std::uint32_t> bytes;
    std::optional<std::uint64_t> cookie;  ///< of READDIR and READDIRPLUS
};

/// Empty if it is no call of NFS version 3, if it is refused, or if its arguments do not decode.
[[nodiscard]] Named named_by(const rpc::Intercepted& call);

}  // namespace berth::nfs
