#include "nfs/names.hpp"

namespace berth::nfs {

std::optional<Status> refuse_name(std::string_view name, NameUse use, std::uint32_t bytes_max) {
    const auto has = [&](char c) { return name.find(c) != std::string_view::npos; };
    if (name.empty() || has('/') || has('\0')) return Status::access;
    if (name.size() > bytes_max) return Status::name_too_long;
    const bool is_self = name == ".";
    if (!is_self && name != "..") return {};
    switch (use) {
    case NameUse::look_up: return {};
    case NameUse::create: return Status::exists;
    case NameUse::remove: return Status::invalid;
    case NameUse::remove_directory: return is_self ? Status::invalid : Status::exists;
    case NameUse::rename: break;
    }
    return Status::invalid;
}

}  // namespace berth::nfs
