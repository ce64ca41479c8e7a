// The changes to remembered names that the journal's database does not hold yet, in two files
// that take turns. A change is in a file before append() returns, so it outlives the process; what
// the machine's own end leaves of the files is read as far as it is whole.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>

#include "nfs/vfs/posix/descriptor.hpp"
#include "nfs/vfs/posix/name_store.hpp"
#include "nfs/vfs/result.hpp"

namespace berth::vfs::posix {

/// Not for several threads at once.
class RecentLog {
public:
    /// Makes the files in the directory if need be. device_or_resource_busy: another process has
    /// them open.
    static Result<RecentLog> open(const std::filesystem::path& directory);

    /// Tells all changes, the oldest first; nothing for `place` means that the object was erased.
    using Tell = std::function<void(const ObjectId& id, std::optional<Place> place)>;
    [[nodiscard]] Result<void> replay(const Tell& tell) const;

    /// On failure nothing of it is left in the file. file_too_large: the database has not taken
    /// anything over for long.
    Result<void> append(const ObjectId& id, const std::optional<Place>& place);

    /// From now on changes go to the other file, if that is empty; else nothing happens.
    void turn() noexcept;
    /// Empties the file that changes do not go to.
    Result<void> forget_older();
    /// Empties both.
    Result<void> forget_all();

private:
    struct File {
        Descriptor descriptor;
        std::uint64_t size = 0;
        std::uint64_t generation = 0;
    };

    [[nodiscard]] File& active() noexcept { return files_[active_]; }
    [[nodiscard]] File& older() noexcept { return files_[1 - active_]; }

    static Result<void> forget(File& file);

    std::array<File, 2> files_;
    std::size_t active_ = 0;
};

}  // namespace berth::vfs::posix
