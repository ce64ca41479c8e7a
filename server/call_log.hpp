// Logs every call, at the level "trace": who called what, and how it ended.
#pragma once

#include "rpc/dispatcher.hpp"

namespace berth::server {

class CallLog final : public rpc::Observer {
public:
    void before(const rpc::Call& call) override;
    void after(const rpc::Call& call, const rpc::Ending& ending) override;
};

}  // namespace berth::server
