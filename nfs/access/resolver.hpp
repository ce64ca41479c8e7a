// Resolves the handle and credential of a call to an object, and to the identity that the caller
// has there. Every program whose calls carry file handles uses it. It has no state of its own, so
// any number of threads may use one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "nfs/access/target.hpp"
#include "nfs/exports/exports.hpp"
#include "nfs/exports/handle.hpp"
#include "nfs/exports/places.hpp"
#include "nfs/vfs/result.hpp"
#include "rpc/call.hpp"

namespace berth::access {

struct ResolverOptions {
    /// A thread keeps a caller's identity between calls (rpc::Batch). Only for programs whose calls
    /// touch files through nodes alone and start no threads.
    bool keeps_identity = false;
};

class Resolver {
public:
    /// Both outlive this.
    Resolver(const exports::Exports& exports, const exports::HandleSealer& sealer,
             const ResolverOptions& options = {})
        : exports_(exports),
          sealer_(sealer),
          options_(options) {}

    /// The caller's rights and identity in the export. Errors are those of Exports::admit(). A call
    /// that would have to wait for that is deferred; if a call has waited without success, it gets
    /// would_block, and its reply is not remembered.
    vfs::Result<exports::Permit> admit(rpc::Call& call, exports::ExportId id) const;
    /// The same for the export of this handle; also returns errors of HandleSealer::open().
    vfs::Result<Admitted> admit(rpc::Call& call, std::span<const std::byte> handle) const;
    /// stale if there is no such object (any more).
    static vfs::Result<vfs::NodePtr> find(const exports::Permit& permit,
                                          const exports::OpenedHandle& named);

    /// Admits the caller and finds the object. A call that is late gets would_block.
    /// `Made`: a Target, with what the program adds to it. It is made in its final place, because
    /// almost every call makes one.
    template <class Made = Target>
    vfs::Result<Made> open(rpc::Call& call, std::span<const std::byte> handle) const {
        if (call.is_late) return vfs::would_block;
        const auto named = sealer_.open(handle);
        if (!named) return refused(call, named.error());
        auto permit = admit(call, named->export_id);
        if (!permit) return refused(call, named->export_id, permit.error());
        if (options_.keeps_identity) keep_identity();
        auto node = find(*permit, *named);
        if (!node) return node.error();
        return vfs::Result<Made>{boost::system::in_place_value, *std::move(permit), call,
                                 *std::move(node)};
    }
    /// The same, for calls that change names or attributes. If such changes must be on disk before
    /// the reply, the call is deferred unless it may wait for that.
    template <class Made = Target>
    vfs::Result<Made> open_to_change(rpc::Call& call, std::span<const std::byte> handle) const {
        auto target = open<Made>(call, handle);
        if (!target || !target->options->sync) return target;
        if (target->caller.patience == vfs::Patience::ample) return target;
        call.defer();
        return vfs::would_block;
    }

    /// The object that `name` leads to if it is in another export: the root of what is mounted
    /// there, or, for "..", the directory in which `from`, a root, is mounted. Empty if the name
    /// stays within the export, or if this caller may not see the other one.
    vfs::Result<std::optional<Target>> cross(rpc::Call& call, const Target& from,
                                             std::string_view name) const;

    /// A handle in the call's memory.
    [[nodiscard]] std::span<const std::byte> seal(rpc::Call& call, const exports::Export& exported,
                                                  const vfs::ObjectId& object,
                                                  const vfs::Way& way) const;

    /// For rpc::on(): the place that the handle leads to, and the export's path.
    [[nodiscard]] std::uint64_t place_of(std::span<const std::byte> handle) const {
        return exports::place_of(sealer_, handle);
    }
    [[nodiscard]] std::string name_of(std::uint64_t place) const {
        return exports::name_of_place(exports_, place);
    }

    [[nodiscard]] const exports::Exports& exports() const noexcept { return exports_; }
    [[nodiscard]] const exports::HandleSealer& sealer() const noexcept { return sealer_; }

private:
    static void keep_identity();
    /// For the log. Returns the error.
    static std::errc refused(const rpc::Call& call, std::errc error) noexcept;
    std::errc refused(const rpc::Call& call, exports::ExportId id, std::errc error) const noexcept;
    vfs::Result<std::optional<Target>> cross_down(rpc::Call& call, const Target& from,
                                                  const exports::Crossing& crossing) const;
    vfs::Result<std::optional<Target>> cross_up(rpc::Call& call, const Target& from) const;

    const exports::Exports& exports_;
    const exports::HandleSealer& sealer_;
    ResolverOptions options_;
};

/// Copies a handle into the call's memory.
[[nodiscard]] std::span<const std::byte> keep(rpc::Call& call, const exports::Handle& handle);

}  // namespace berth::access
