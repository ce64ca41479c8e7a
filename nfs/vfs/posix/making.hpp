// Objects that are complete before anybody sees them: made without a name, or under one of their
// own, and given the name that was asked for when nothing can go wrong any more. And the removal of
// what was made and must not be, which never takes somebody else's object. All by the thread's
// present identity. No state.
#pragma once

#include <array>
#include <functional>

#include "nfs/vfs/posix/exclusive.hpp"
#include "nfs/vfs/posix/system.hpp"
#include "nfs/vfs/result.hpp"
#include "nfs/vfs/types.hpp"

namespace berth::vfs::posix {

/// What a new object still needs once it was made with its type and its mode.
struct Completion {
    FileType type = FileType::regular;
    NewAttributes attributes;
    const CreateVerifier* verifier = nullptr;  ///< of an exclusive create

    [[nodiscard]] bool is_needed() const noexcept;
    /// Of the new object that is open as `made`, in which only a regular file is open for writing.
    /// An owner that the caller may not give is left out.
    [[nodiscard]] Result<void> apply(int made) const;
};

/// Makes an object in a directory under the name given, and opens it.
using MakeAt = std::function<Result<Descriptor>(const char* name)>;

/// As MakeAt under `name`, but it appears there complete. file_exists when the name is taken.
Result<Descriptor> make_complete(int directory, const char* name, const Completion& completion,
                                 const MakeAt& make);

/// The same for a regular file, with the mode given, open for reading and writing.
Result<Descriptor> make_file_complete(int directory, const char* name, mode_t mode,
                                      const Completion& completion);

/// Whether the entry with this name of a directory is the object that is meant.
using IsMeant = std::function<bool(const char* name)>;

/// Removes the entry if it is what `is_meant` says. What others move there meanwhile stays.
/// `flags` as unlinkat(2) takes them: removal_flags() of its type.
void remove_if(int directory, const char* name, int flags, const IsMeant& is_meant);

[[nodiscard]] int removal_flags(FileType type);

/// Whether both were told of one object.
[[nodiscard]] bool is_same_object(const struct statx& one, const struct statx& other);

}  // namespace berth::vfs::posix
