#include "nlm/owner.hpp"

#include "rpc/text/quoted.hpp"

namespace berth::nlm {

std::string Host::text() const {
    return fmt::format("{} ({})", address.text(), text::Word{name});
}

}  // namespace berth::nlm
