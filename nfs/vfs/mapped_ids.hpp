// The ids that the kernel knows in this process's user namespace. Outside of any namespace it knows
// them all; in one (a container without root) those that were mapped. Plain values.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace berth::vfs {

class MappedIds {
public:
    /// All ids there are.
    MappedIds();
    /// What a uid_map or gid_map of proc(5) says. A line that is none is left out.
    explicit MappedIds(std::string_view map);
    [[nodiscard]] bool has(std::uint32_t id) const noexcept;
    [[nodiscard]] bool has_all() const noexcept { return has_all_; }
    /// Any but this one; `other` itself when there is none.
    [[nodiscard]] std::uint32_t one_besides(std::uint32_t other) const noexcept;

private:
    struct Range {
        std::uint64_t first = 0;
        std::uint64_t end = 0;
    };
    void add(Range range);

    std::vector<Range> ranges_;
    bool has_all_ = false;
};

/// Those of users and those of groups.
struct MappedOwners {
    MappedIds users;
    MappedIds groups;

    /// Of this process. Where /proc can't tell, none is known to be mapped.
    static MappedOwners of_process();
    [[nodiscard]] bool are_all() const noexcept { return users.has_all() && groups.has_all(); }
};

}  // namespace berth::vfs
