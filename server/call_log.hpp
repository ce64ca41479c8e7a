// Logs every call at the level "trace": the caller, the procedure, and how it ended.
#pragma once

#include "rpc/interceptor.hpp"

namespace berth::server {

class CallLog final : public rpc::Interceptor {
public:
    void after(const rpc::Intercepted& intercepted, rpc::Ending ending, rpc::Reply& reply) override;
};

}  // namespace berth::server
