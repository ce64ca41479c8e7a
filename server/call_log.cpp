#include "server/call_log.hpp"

#include <spdlog/spdlog.h>

namespace berth::server {

void CallLog::before(const rpc::Call& /*call*/) {}

void CallLog::after(const rpc::Call& call, const rpc::Ending& ending) {
    spdlog::trace("{} xid {:08x} {} v{} {} uid {} status {} {} bytes", call.caller.text(), call.xid,
                  call.program.name, call.program.version, call.procedure.name, call.credential.uid,
                  static_cast<std::uint32_t>(ending.status), ending.reply_bytes);
}

}  // namespace berth::server
