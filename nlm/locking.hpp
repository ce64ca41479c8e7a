// The common part of the procedures of all NLM versions: from a call to the table and back to a
// status. Any thread; may wait for a disk.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <boost/thread/synchronized_value.hpp>

#include "nfs/access/resolver.hpp"
#include "nfs/exports/exports.hpp"
#include "nfs/exports/handle.hpp"
#include "nlm/grace.hpp"
#include "nlm/lock_table.hpp"
#include "nlm/monitor_list.hpp"
#include "nlm/protocol.hpp"
#include "nlm/told_once.hpp"
#include "rpc/call.hpp"

namespace berth::nlm {

/// A lock request of any version. Views into the call.
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
    Locking(const exports::Exports& exports, const exports::HandleSealer& sealer, LockTable& table,
            Grace& grace, MonitorList& monitored)
        : resolver_(exports, sealer),
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

    [[nodiscard]] std::uint64_t place_of(std::span<const std::byte> handle) const {
        return resolver_.place_of(handle);
    }
    [[nodiscard]] std::string name_of(std::uint64_t place) const {
        return resolver_.name_of(place);
    }

    void acknowledge(const rpc::Call& call, std::uint64_t id, bool is_wanted);

private:
    static vfs::Result<std::unique_ptr<vfs::FileLocks>>
    open_locks(const access::Admitted& admitted);
    /// Ensures that the client is told of a restart. Empty: the client must not lock; the log says
    /// why.
    [[nodiscard]] std::optional<MonitorList::Stay> monitor(const Monitored& client);
    /// False: a reclaim could hand a lock that root held before the restart to ordinary users.
    [[nodiscard]] bool may_reclaim(rpc::Call& call, const Host& host) const;
    [[nodiscard]] std::optional<LockRequest> request_of(const rpc::Call& call, const Asked& asked);
    /// The key of the file with this handle. Asks no file system: the file may have been removed,
    /// and its export withdrawn.
    [[nodiscard]] FileKey key_of(std::span<const std::byte> handle);

    const access::Resolver resolver_;
    LockTable& table_;
    Grace& grace_;
    MonitorList& monitored_;
    ToldOnce full_;
    /// Those of the exports that were used so far.
    boost::synchronized_value<std::map<exports::ExportId, std::uint64_t>, std::mutex> id_spaces_;
};

/// Selects from the hosts at one address those that a notice about `name` means: those with the
/// same name up to the first dot, ignoring case; if there are none, the only host there is.
std::vector<Host> meant_by(std::string_view name, std::vector<Host> hosts_of_address);

}  // namespace berth::nlm
