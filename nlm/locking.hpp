// What the procedures of all NLM versions come to: from a call to the table and back to a status.
// Any thread; may wait for a disk.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>

#include "nfs/vfs/exports.hpp"
#include "nfs/vfs/handle.hpp"
#include "nlm/grace.hpp"
#include "nlm/lock_table.hpp"
#include "nlm/monitor_list.hpp"
#include "nlm/protocol.hpp"
#include "nlm/told_once.hpp"
#include "rpc/call.hpp"

namespace berth::nlm {

/// A lock as any version asks for it. Views into the call.
struct Asked {
    std::string_view caller_name;
    std::span<const std::byte> file;
    std::span<const std::byte> owner;
    std::int32_t svid = 0;
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
    bool is_narrow = false;  ///< a version with 32-bit ranges
    bool exclusive = false;
    bool by_message = false;

    bool block = false;
    bool reclaim = false;
    bool is_monitored = true;
    std::int32_t state = 0;
};

class Locking {
public:
    /// All outlive this.
    Locking(const vfs::Exports& exports, const vfs::HandleSealer& sealer, LockTable& table,
            Grace& grace, MonitorList& monitored)
        : exports_(exports),
          sealer_(sealer),
          table_(table),
          grace_(grace),
          monitored_(monitored) {}

    struct Tested {
        Status status = Status::granted;
        LockTable::Holder holder;  ///< when denied
    };
    Tested test(rpc::Call& call, const Asked& asked);
    Status lock(rpc::Call& call, const Asked& asked);
    Status cancel(rpc::Call& call, const Asked& asked);
    Status unlock(rpc::Call& call, const Asked& asked);
    Status share(rpc::Call& call, const ShareArgs& args);
    Status unshare(rpc::Call& call, const ShareArgs& args);
    /// The client that calls has begun anew, or has none of its locks any more.
    void free_all(rpc::Call& call, std::string_view name);

    void acknowledge(const rpc::Call& call, std::uint64_t id, bool is_wanted);

private:
    /// A caller who may use the export of a handle; whether there is such a file is not known yet.
    struct Admitted {
        vfs::Permit permit;
        vfs::ObjectId object;
        [[nodiscard]] vfs::Caller caller() const {
            return {permit.caller.identity, vfs::Wait::yes};
        }
    };
    vfs::Result<Admitted> admit(rpc::Call& call, std::span<const std::byte> handle) const;
    static vfs::Result<vfs::NodePtr> find(const Admitted& admitted);
    static vfs::Result<std::unique_ptr<vfs::FileLocks>> open_locks(const Admitted& admitted);
    /// Has the client told of a restart, should one come. None: it must not lock; the log says why.
    [[nodiscard]] std::optional<MonitorList::Stay> monitor(const Monitored& client);
    [[nodiscard]] std::optional<LockRequest> request_of(const rpc::Call& call,
                                                        const Asked& asked) const;

    const vfs::Exports& exports_;
    const vfs::HandleSealer& sealer_;
    LockTable& table_;
    Grace& grace_;
    MonitorList& monitored_;
    ToldOnce full_;
};

/// Of these hosts of one address, those that a notice about `name` means: those of that name, as
/// far as the first dot of either tells them apart; if there are none, the only host there is.
std::vector<Host> meant_by(std::string_view name, std::vector<Host> hosts_of_address);

}  // namespace berth::nlm
