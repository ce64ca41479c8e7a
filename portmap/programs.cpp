#include "portmap/programs.hpp"

namespace berth::portmap {

std::vector<rpc::Program> Services::programs() {
    std::vector<rpc::Program> programs{rpc::make_program(v2::id, service2_),
                                       rpc::make_program(rpcbind::id3, service3_),
                                       rpc::make_program(rpcbind::id4, service4_)};
    for (auto& program : programs) program.any_credential = true;
    return programs;
}

}  // namespace berth::portmap
