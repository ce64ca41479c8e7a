#include "nfs/vfs/mapped_ids.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

namespace berth::vfs {
namespace {

constexpr std::uint64_t ids_end = 0xFFFFFFFF;

std::string text_of(const char* file) {
    std::ifstream in{file};
    return {std::istreambuf_iterator<char>{in}, {}};
}

}  // namespace

MappedIds::MappedIds() {
    add({.first = 0, .end = ids_end});
}

MappedIds::MappedIds(std::string_view map) {
    std::istringstream lines{std::string{map}};
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words{line};
        std::uint64_t first = 0;
        std::uint64_t outside = 0;
        std::uint64_t count = 0;
        if (words >> first >> outside >> count && first < ids_end)
            add({.first = first, .end = std::min(ids_end, first + std::min(count, ids_end))});
    }
}

void MappedIds::add(Range range) {
    ranges_.push_back(range);
    has_all_ |= range.first == 0 && range.end == ids_end;
}

bool MappedIds::is_in_a_range(std::uint32_t id) const noexcept {
    return std::ranges::any_of(
        ranges_, [id](const Range& range) { return range.first <= id && id < range.end; });
}

std::uint32_t MappedIds::one_besides(std::uint32_t other) const noexcept {
    for (const auto& range : ranges_)
        for (auto id = range.first; id < range.end; ++id)
            if (id != other) return static_cast<std::uint32_t>(id);
    return other;
}

MappedOwners MappedOwners::of_process() {
    return {.users = MappedIds{text_of("/proc/self/uid_map")},
            .groups = MappedIds{text_of("/proc/self/gid_map")}};
}

}  // namespace berth::vfs
