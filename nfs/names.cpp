#include "nfs/names.hpp"

namespace berth::nfs {

std::optional<Status> refuse_name(std::string_view name, NameUse use, std::uint32_t bytes_max) {
    using namespace std::string_view_literals;
    if (name.empty() || name.find_first_of("/\0"sv) != std::string_view::npos)
        return Status::access;
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
