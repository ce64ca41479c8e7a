#include "nlm/owner.hpp"

namespace berth::nlm {

std::string Host::text() const {
    return address.text() + " (" + name + ")";
}

}  // namespace berth::nlm
