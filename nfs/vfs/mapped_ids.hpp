// The ids that this process's user namespace maps. Outside of any namespace that is all ids; in one
// (a container without root) only the mapped ones. Plain values.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace berth::vfs {

class MappedIds {
public:
    /// All ids.
    MappedIds();
    /// Parses a uid_map or gid_map of proc(5). Malformed lines are skipped.
    explicit MappedIds(std::string_view map);
    [[nodiscard]] bool has(std::uint32_t id) const noexcept {
        return has_all_ ? id != not_an_id : is_in_a_range(id);
    }
    [[nodiscard]] bool has_all() const noexcept { return has_all_; }
    /// Any mapped id but this one; `other` itself if there is none.
    [[nodiscard]] std::uint32_t one_besides(std::uint32_t other) const noexcept;

private:
    static constexpr std::uint32_t not_an_id = 0xFFFFFFFF;
    struct Range {
        std::uint64_t first = 0;
        std::uint64_t end = 0;
    };
    void add(Range range);
    [[nodiscard]] bool is_in_a_range(std::uint32_t id) const noexcept;

    std::vector<Range> ranges_;
    bool has_all_ = false;
};

/// The mapped ids of users and of groups.
struct MappedOwners {
    MappedIds users;
    MappedIds groups;

    /// The ids of this process. Where /proc can't tell, no id counts as mapped.
    static MappedOwners of_process();
    [[nodiscard]] bool are_all() const noexcept { return users.has_all() && groups.has_all(); }
};

}  // namespace berth::vfs
