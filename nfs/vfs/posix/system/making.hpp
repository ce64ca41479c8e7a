// Makes objects that are complete before anybody sees them: they are made without a name, or under
// a temporary one, and get the requested name when nothing can go wrong any more. Also removes what
// was made and must not stay, but never another's object. Everything runs under the thread's
// current identity. No state.
#pragma once

#include <array>
#include <functional>

#include "nfs/vfs/posix/system/calls.hpp"
#include "nfs/vfs/posix/system/exclusive.hpp"
#include "nfs/vfs/result.hpp"
#include "nfs/vfs/types.hpp"

namespace berth::vfs::posix {

/// The remaining steps for a new object that was made with its type and mode.
struct Completion {
    FileType type = FileType::regular;
    NewAttributes attributes;
    const CreateVerifier* verifier = nullptr;  ///< for an exclusive create

    [[nodiscard]] bool is_needed() const noexcept;
    /// Applies it to the new object open as `made`; only a regular file is open for writing. An
    /// owner that the caller may not set is left out.
    [[nodiscard]] Result<void> apply(int made) const;
};

/// Makes an object in a directory under the name given, and opens it.
using MakeAt = std::function<Result<Descriptor>(const char* name)>;

/// Like MakeAt under `name`, but the object appears there complete. file_exists if the name is
/// taken.
Result<Descriptor> make_complete(int directory, const char* name, const Completion& completion,
                                 const MakeAt& make);

/// The same for a regular file, with the mode given, open for reading and writing.
Result<Descriptor> make_file_complete(int directory, const char* name, mode_t mode,
                                      const Completion& completion);

/// Whether the entry of this name in a directory is the object that is meant.
using IsMeant = std::function<bool(const char* name)>;

/// Removes the entry if `is_meant` is true of it. Another object that is moved there meanwhile
/// stays. `flags` are those of unlinkat(2): removal_flags() of its type.
void remove_if(int directory, const char* name, int flags, const IsMeant& is_meant);

[[nodiscard]] int removal_flags(FileType type);

/// Whether both statuses are of one object.
[[nodiscard]] bool is_same_object(const struct statx& one, const struct statx& other);

}  // namespace berth::vfs::posix
