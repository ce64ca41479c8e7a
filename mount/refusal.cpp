#include "mount/refusal.hpp"

#include "nfs/vfs/result.hpp"
#include "rpc/peer_log.hpp"
#include "rpc/text/quoted.hpp"

namespace berth::mount {
namespace {

/// A path of a client as far as a line has room for it.
text::Quoted shown(std::string_view path) {
    return {path.substr(0, path_bytes_max)};
}

}  // namespace

Status to_status(std::errc error) noexcept {
    if (error == vfs::stale) return Status::no_entry;
    switch (error) {
    case std::errc::no_such_file_or_directory: return Status::no_entry;
    case std::errc::permission_denied: return Status::access_denied;
    case std::errc::operation_not_permitted: return Status::not_permitted;
    case std::errc::not_a_directory:
    case std::errc::too_many_symbolic_link_levels: return Status::not_a_directory;
    case std::errc::filename_too_long: return Status::name_too_long;
    case std::errc::io_error: return Status::io_error;
    default: return Status::server_fault;
    }
}

void tell_accepted(const rpc::Call& call, std::string_view path,
                   const std::string& entry) noexcept {
    const auto& client = call.caller.address;
    rpc::info_about(client, path, "mount by {} of {} accepted: the entry {} decides", client,
                    shown(path), entry);
}

// Each kind has a text of its own, because the log counts lines by their text.
void tell_refused(const rpc::Call& call, std::string_view path, const Refusal& refusal) noexcept {
    const auto& client = call.caller.address;
    const auto asked = shown(path);
    const auto& [status, why, way, entry, detail] = refusal;
    switch (why) {
    case Refusal::Why::malformed:
        rpc::warn_about(client, path, "mount by {} of {} refused: {}", client, asked, detail);
        break;
    case Refusal::Why::not_exported:
        rpc::warn_about(client, path, "mount by {} of {} refused: {}not below any export; {}",
                        client, asked, way, detail);
        break;
    case Refusal::Why::unlisted:
        rpc::warn_about(client, path,
                        "mount by {} of {} refused: {}no entry is for this client; {}", client,
                        asked, way, detail);
        break;
    case Refusal::Why::insecure_port:
        rpc::warn_about(client, path,
                        "mount by {} of {} refused: {}the entry {} wants ports below 1024, and the "
                        "call comes from port {}; insecure would allow others",
                        client, asked, way, entry, call.caller.port);
        break;
    case Refusal::Why::unknown_client:
        rpc::warn_about(client, path, "mount by {} of {} waits: {}{}", client, asked, way, detail);
        break;
    case Refusal::Why::hidden:
        rpc::warn_about(client, path, "mount by {} of {} refused: {}{}", client, asked, way,
                        detail);
        break;
    case Refusal::Why::unusable:
        rpc::warn_about(client, path,
                        "mount by {} of {} refused: {}{}; the entry {} would allow it", client,
                        asked, way, detail, entry);
        break;
    }
}

void tell_too_old(const rpc::Call& call, std::string_view path) noexcept {
    const auto& client = call.caller.address;
    rpc::warn_about(
        client, path,
        "mount by {} of {} refused: it asks version {} of MOUNT for NFSv2, and berth has "
        "NFSv3; mount with vers=3",
        client, shown(path), call.program.version);
}

}  // namespace berth::mount
