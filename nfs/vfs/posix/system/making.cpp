#include "nfs/vfs/posix/system/making.hpp"

#include <algorithm>
#include <charconv>
#include <string_view>

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "nfs/vfs/posix/system/new_attributes.hpp"
#include "nfs/vfs/posix/system/thread_identity.hpp"

namespace berth::vfs::posix {
namespace {

// A name that nobody else uses. It begins like the names of files that clients have removed while
// open, so administrators who clean those up, after a crash say, clean ours up too.
class PrivateName {
public:
    PrivateName() {
        constexpr std::string_view beginning = ".nfs-berth-";
        constexpr int hexadecimal = 16;
        std::array<std::uint64_t, 2> number{};
        if (::getrandom(number.data(), sizeof number, 0) != sizeof number) {
            timespec now{};
            ::clock_gettime(CLOCK_MONOTONIC, &now);
            number = {static_cast<std::uint64_t>(now.tv_sec),
                      static_cast<std::uint64_t>(now.tv_nsec)};
        }
        char* at = std::ranges::copy(beginning, bytes_.begin()).out;
        for (const auto half : number) {
            at = std::to_chars(at, bytes_.end() - 1, half, hexadecimal).ptr;
        }
        *at = '\0';
    }
    [[nodiscard]] const char* text() const noexcept { return bytes_.data(); }

private:
    std::array<char, 48> bytes_;
};

bool is_one_of(std::errc error, std::initializer_list<std::errc> several) {
    return std::ranges::find(several, error) != several.end();
}

// The file system does not support the call or this form of it, or our name is too long for it.
bool is_unknown_here(std::errc error) {
    return is_one_of(error, {std::errc::operation_not_supported, std::errc::function_not_supported,
                             std::errc::invalid_argument, std::errc::filename_too_long});
}

Result<void> rename_unless_taken(int directory, const char* from, const char* to) {
    return checked(::renameat2(directory, from, directory, to, RENAME_NOREPLACE));
}

// Some file systems can rename a new file or directory only over an existing name.
Result<void> move_into_place(int directory, const char* from, const char* to, FileType type) {
    auto moved = rename_unless_taken(directory, from, to);
    if (moved || !is_unknown_here(moved.error()) || type == FileType::directory) return moved;
    if (auto linked = checked(::linkat(directory, from, directory, to, 0)); !linked) {
        const bool has_no_links =
            is_unknown_here(linked.error()) || linked.error() == std::errc::operation_not_permitted;
        return has_no_links ? std::errc::operation_not_supported : linked.error();
    }
    return checked(::unlinkat(directory, from, 0));
}

Result<void> give_owner(int made, uid_t uid, gid_t gid) {
    auto given = checked(::fchownat(made, "", uid, gid, AT_EMPTY_PATH));
    if (!given && is_one_of(given.error(),
                            {std::errc::operation_not_permitted, std::errc::invalid_argument})) {
        return {};
    }
    return given;
}

Result<void> give_mode(int made, FileType type, std::uint32_t mode) {
    if (type == FileType::directory) {
        const auto now = status(made);
        if (!now) return now.error();
        // Inherited from the parent directory, whatever the client asked for.
        mode |= now->stx_mode & unsigned{S_ISGID};
        // A caller outside the inherited group would lose the bit by setting it again.
        if (mode == (now->stx_mode & 07777U)) return {};
    }
    return change_mode(made, mode & 07777U);
}

// In an append-only directory nothing can be renamed or removed.
bool only_takes_entries(int directory) {
    const auto found = status(directory);
    return found && (found->stx_attributes & STATX_ATTR_APPEND) != 0;
}

// The last resort: others see the object while it is being completed.
Result<Descriptor> make_in_sight(int directory, const char* name, const Completion& completion,
                                 const MakeAt& make) {
    auto made = make(name);
    if (!made) return made;
    auto complete = completion.apply(made->number());
    if (complete) return made;
    if (const auto ours = status(made->number())) {
        remove_if(directory, name, removal_flags(completion.type), [&](const char* entry) {
            const auto found = status(directory, entry);
            return found && is_same_object(*found, *ours);
        });
    }
    return complete.error();
}

}  // namespace

int removal_flags(FileType type) {
    return type == FileType::directory ? AT_REMOVEDIR : 0;
}

bool Completion::is_needed() const noexcept {
    const auto& wanted = attributes;
    return verifier != nullptr || wanted.mode || wanted.uid || wanted.gid || wanted.size ||
           wanted.accessed || wanted.modified;
}

Result<void> Completion::apply(int made) const {
    // One by one, because if either is refused the kernel sets neither.
    if (attributes.uid) {
        if (auto given = give_owner(made, *attributes.uid, no_id); !given) return given;
    }
    if (attributes.gid) {
        if (auto given = give_owner(made, no_id, *attributes.gid); !given) return given;
    }
    if (attributes.size) {
        auto set = checked(::ftruncate(made, static_cast<off_t>(*attributes.size)));
        if (!set) return set;
    }
    if (attributes.mode && type != FileType::symbolic_link) {
        if (auto given = give_mode(made, type, *attributes.mode); !given) return given;
    }
    if (attributes.accessed || attributes.modified) {
        if (auto set = change_times(made, to_kernel_times(attributes)); !set) return set;
    }
    if (verifier == nullptr) return {};
    auto kept = keep_verifier(made, *verifier);
    if (kept || kept.error() != std::errc::operation_not_permitted) return kept;
    // Below FUSE the maker of a new file may not be its owner.
    const auto acting = Acting::as_server();
    if (!acting) return acting.error();
    return keep_verifier(made, *verifier);
}

bool is_same_object(const struct statx& one, const struct statx& other) {
    return one.stx_ino == other.stx_ino && one.stx_dev_major == other.stx_dev_major &&
           one.stx_dev_minor == other.stx_dev_minor && one.stx_mode == other.stx_mode &&
           one.stx_btime.tv_sec == other.stx_btime.tv_sec &&
           one.stx_btime.tv_nsec == other.stx_btime.tv_nsec;
}

void remove_if(int directory, const char* name, int flags, const IsMeant& is_meant) {
    if (!is_meant(name)) return;
    // Another object may get the name at any moment. Under a name that nobody else uses there is
    // time to check.
    const PrivateName aside;
    const auto moved = rename_unless_taken(directory, name, aside.text());
    if (!moved) {
        if (is_unknown_here(moved.error())) ::unlinkat(directory, name, flags);
        return;
    }
    if (is_meant(aside.text()) && ::unlinkat(directory, aside.text(), flags) == 0) return;
    static_cast<void>(rename_unless_taken(directory, aside.text(), name));
}

Result<Descriptor> make_complete(int directory, const char* name, const Completion& completion,
                                 const MakeAt& make) {
    if (only_takes_entries(directory)) return make_in_sight(directory, name, completion, make);
    const PrivateName own;
    auto made = make(own.text());
    if (!made) {
        const bool is_name = made.error() == std::errc::filename_too_long;
        if (!is_name || completion.verifier != nullptr) return made;
        return make_in_sight(directory, name, completion, make);
    }
    auto placed = completion.apply(made->number());
    if (placed) placed = move_into_place(directory, own.text(), name, completion.type);
    if (placed) return made;
    ::unlinkat(directory, own.text(), removal_flags(completion.type));
    if (!is_unknown_here(placed.error()) || completion.verifier != nullptr) return placed.error();
    return make_in_sight(directory, name, completion, make);
}

Result<Descriptor> make_file_complete(int directory, const char* name, mode_t mode,
                                      const Completion& completion) {
    if (auto nameless = open_at(directory, ".", O_TMPFILE | O_RDWR, mode)) {
        if (auto complete = completion.apply(nameless->number()); !complete) {
            return complete.error();
        }
        auto linked = link_opened(nameless->number(), directory, name);
        if (linked) return nameless;
        // Some file systems that make nameless files cannot give them a name afterwards.
        if (!is_unknown_here(linked.error()) &&
            !is_one_of(linked.error(),
                       {std::errc::operation_not_permitted, std::errc::cross_device_link,
                        std::errc::no_such_file_or_directory})) {
            return linked.error();
        }
    } else if (!is_unknown_here(nameless.error()) &&
               nameless.error() != std::errc::is_a_directory) {
        return nameless;
    }
    return make_complete(directory, name, completion, [&](const char* entry) {
        return open_at(directory, entry, O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW | O_NOCTTY, mode);
    });
}

}  // namespace berth::vfs::posix
