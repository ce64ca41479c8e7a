#include "nlm/owner.hpp"

#include "rpc/quoted.hpp"

namespace berth::nlm {

std::string Host::text() const {
    return fmt::format("{} ({})", address.text(), rpc::Word{name});
}

}  // namespace berth::nlm
