#include "portmap/registry.hpp"

#include <algorithm>
#include <utility>

namespace berth::portmap {
namespace {

bool is_sound(const Registration& registration) {
    return registration.owner.size() <= Registry::owner_bytes_max && registration.at.port != 0 &&
           registration.at.address.v6 == is_v6(registration.netid);
}

bool same_key(const Registration& a, const Registration& b) {
    return a.program == b.program && a.version == b.version && a.netid == b.netid;
}

}  // namespace

bool Registry::add(Registration registration, bool own) {
    if (!is_sound(registration)) return false;
    auto entries = entries_.synchronize();
    if (entries->size() >= entries_max) return false;
    for (const auto& entry : *entries) {
        if (same_key(entry.registration, registration)) return false;
    }
    entries->push_back({std::move(registration), own});
    return true;
}

bool Registry::unset(std::uint32_t program, std::uint32_t version, std::optional<Netid> netid,
                     bool by_superuser) {
    auto entries = entries_.synchronize();
    return std::erase_if(*entries, [&](const Entry& entry) {
               const auto& candidate = entry.registration;
               return !entry.own && candidate.program == program && candidate.version == version &&
                      (!netid || candidate.netid == *netid) &&
                      (by_superuser || candidate.owner != superuser);
           }) != 0;
}

std::optional<Registration> Registry::find(std::uint32_t program, std::uint32_t version,
                                           Netid netid) const {
    auto found = find_any_version(program, version, netid);
    if (found && found->version != version) found.reset();
    return found;
}

std::optional<Registration> Registry::find_any_version(std::uint32_t program, std::uint32_t version,
                                                       Netid netid) const {
    auto entries = entries_.synchronize();
    const Registration* best = nullptr;
    for (const auto& entry : *entries) {
        const auto& candidate = entry.registration;
        if (candidate.program != program || candidate.netid != netid) continue;
        if (candidate.version == version) return candidate;
        if (best == nullptr || candidate.version > best->version) best = &candidate;
    }
    return best == nullptr ? std::nullopt : std::optional{*best};
}

std::vector<Registration> Registry::all() const {
    auto entries = entries_.synchronize();
    std::vector<Registration> result;
    result.reserve(entries->size());
    for (const auto& entry : *entries) result.push_back(entry.registration);
    return result;
}

}  // namespace berth::portmap
