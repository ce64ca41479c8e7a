#define FUSE_USE_VERSION 31

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/filesystem/operations.hpp>
#include <fuse.h>

#include "tests/media/medium.hpp"

namespace berth::vfs::posix {
namespace {

// Of the serving process:
int base = -1;                                // the directory that everything is passed on to
const FuseMedium::Faults* ordered = nullptr;  // what is to fail
FuseMedium::Numbers told = FuseMedium::Numbers::as_below;

int outcome(long result) {
    return result < 0 ? -errno : static_cast<int>(result);
}
const char* below(const char* path) {
    return path[1] == '\0' ? "." : path + 1;
}
int number_of(const fuse_file_info* file) {
    return static_cast<int>(file->fh);
}
int keep(int number, fuse_file_info* file) {
    if (number < 0) return -errno;
    file->fh = static_cast<std::uint64_t>(number);
    return 0;
}

// As a file system that keeps times in larger steps keeps it.
timespec stepped(timespec time) {
    constexpr std::int64_t second = 1'000'000'000;
    const auto step = ordered->time_step;
    if (time.tv_nsec >= second) return time;  // UTIME_NOW, UTIME_OMIT
    if (step >= second) {
        const auto seconds = step / second;
        return {.tv_sec = (time.tv_sec / seconds - (time.tv_sec % seconds < 0 ? 1 : 0)) * seconds,
                .tv_nsec = 0};
    }
    return {.tv_sec = time.tv_sec, .tv_nsec = time.tv_nsec / step * step};
}

fuse_operations make_operations() {
    fuse_operations on{};
    on.init = [](fuse_conn_info*, fuse_config* config) -> void* {
        config->use_ino = told == FuseMedium::Numbers::made_up ? 0 : 1;
        config->attr_timeout = config->entry_timeout = 0;
        config->nullpath_ok = 0;
        return nullptr;
    };
    on.getattr = [](const char* path, struct stat* found, fuse_file_info*) {
        const int result = outcome(::fstatat(base, below(path), found, AT_SYMLINK_NOFOLLOW));
        for (auto* const time : {&found->st_atim, &found->st_mtim, &found->st_ctim}) {
            *time = stepped(*time);
        }
        if (told == FuseMedium::Numbers::equal) found->st_ino = S_ISDIR(found->st_mode) ? 4 : 5;
        return result;
    };
    on.readlink = [](const char* path, char* text, std::size_t size) {
        const auto count = ::readlinkat(base, below(path), text, size - 1);
        if (count < 0) return -errno;
        text[count] = '\0';
        return 0;
    };
    on.mknod = [](const char* path, mode_t mode, dev_t device) {
        return outcome(::mknodat(base, below(path), mode, device));
    };
    on.mkdir = [](const char* path, mode_t mode) {
        return outcome(::mkdirat(base, below(path), mode));
    };
    on.unlink = [](const char* path) { return outcome(::unlinkat(base, below(path), 0)); };
    on.rmdir = [](const char* path) {
        return outcome(::unlinkat(base, below(path), AT_REMOVEDIR));
    };
    on.symlink = [](const char* target, const char* path) {
        return outcome(::symlinkat(target, base, below(path)));
    };
    on.rename = [](const char* from, const char* to, unsigned flags) {
        if (flags != 0 && ordered->renames_plainly) return -EINVAL;
        return outcome(::renameat2(base, below(from), base, below(to), flags));
    };
    on.link = [](const char* from, const char* to) {
        if (ordered->has_no_links) return -EPERM;
        return outcome(::linkat(base, below(from), base, below(to), 0));
    };
    on.chmod = [](const char* path, mode_t mode, fuse_file_info*) {
        if (ordered->set != 0) return -ordered->set;
        return outcome(::fchmodat(base, below(path), mode, 0));
    };
    on.chown = [](const char* path, uid_t uid, gid_t gid, fuse_file_info*) {
        if (ordered->set != 0) return -ordered->set;
        return outcome(::fchownat(base, below(path), uid, gid, AT_SYMLINK_NOFOLLOW));
    };
    on.truncate = [](const char* path, off_t size, fuse_file_info*) {
        const int file = ::openat(base, below(path), O_WRONLY | O_NOFOLLOW);
        if (file < 0) return -errno;
        const int result = outcome(::ftruncate(file, size));
        ::close(file);
        return result;
    };
    on.utimens = [](const char* path, const timespec* times, fuse_file_info*) {
        if (ordered->set != 0) return -ordered->set;
        const std::array kept{stepped(times[0]), stepped(times[1])};
        return outcome(::utimensat(base, below(path), kept.data(), AT_SYMLINK_NOFOLLOW));
    };
    on.open = [](const char* path, fuse_file_info* file) {
        return keep(::openat(base, below(path), file->flags & ~O_NOFOLLOW), file);
    };
    on.create = [](const char* path, mode_t mode, fuse_file_info* file) {
        return keep(::openat(base, below(path), file->flags | O_CREAT, mode), file);
    };
    on.release = [](const char*, fuse_file_info* file) {
        return outcome(::close(number_of(file)));
    };
    on.read = [](const char*, char* data, std::size_t size, off_t offset, fuse_file_info* file) {
        if (ordered->read != 0) return -ordered->read;
        const auto end = offset + static_cast<off_t>(size);
        if (end > ordered->readable_bytes) return -EIO;
        return outcome(::pread(number_of(file), data, size, offset));
    };
    on.write = [](const char*, const char* data, std::size_t size, off_t offset,
                  fuse_file_info* file) {
        if (ordered->write != 0) return -ordered->write;
        return outcome(::pwrite(number_of(file), data, size, offset));
    };
    on.fsync = [](const char*, int, fuse_file_info* file) {
        if (ordered->sync != 0) return -ordered->sync;
        return outcome(::fsync(number_of(file)));
    };
    on.statfs = [](const char* path, struct statvfs* figures) {
        const bool is_meant = !ordered->figures_are_of_share || std::string_view{path} == "/share";
        if (!ordered->has_figures || !is_meant) return outcome(::fstatvfs(base, figures));
        *figures = ordered->figures;
        return 0;
    };
    on.readdir = [](const char* path, void* entries, fuse_fill_dir_t fill, off_t after,
                    fuse_file_info*, fuse_readdir_flags) {
        const int directory = ::openat(base, below(path), O_RDONLY | O_DIRECTORY);
        DIR* const listed = directory < 0 ? nullptr : ::fdopendir(directory);
        if (listed == nullptr) return -errno;
        const bool tells = ordered->tells_positions;
        if (tells && after != 0) ::seekdir(listed, after);
        while (const auto* entry = ::readdir(listed)) {
            if (fill(entries, entry->d_name, nullptr, tells ? entry->d_off : 0,
                     fuse_fill_dir_flags{}) != 0) {
                break;
            }
        }
        ::closedir(listed);
        return 0;
    };
    return on;
}

[[noreturn]] void serve(const std::string& space, int ready) {
    ::umask(0);
    base = ::open((space + "/base").c_str(), O_PATH | O_DIRECTORY);
    std::string program = "test";
    std::string option = "-o";
    std::string value = "allow_other,default_permissions,fsname=test";
    std::array<char*, 4> words{program.data(), option.data(), value.data(), nullptr};
    fuse_args arguments = FUSE_ARGS_INIT(3, words.data());
    const auto operations = make_operations();
    fuse* const served = ::fuse_new(&arguments, &operations, sizeof operations, nullptr);
    if (served == nullptr || ::fuse_mount(served, (space + "/mounted").c_str()) != 0) ::_exit(1);
    const char yes = 1;
    if (::write(ready, &yes, 1) != 1) ::_exit(1);
    ::close(ready);
    ::fuse_loop(served);
    ::_exit(0);
}

}  // namespace

FuseMedium::FuseMedium(const std::string& space, Numbers numbers) : space_(space) {
    boost::filesystem::create_directories(space_ + "/base");
    boost::filesystem::permissions(space_ + "/base", boost::filesystem::perms::all_all);
    boost::filesystem::create_directories(path());
    void* const shared =
        ::mmap(nullptr, sizeof(Faults), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) throw std::runtime_error{"no shared memory"};
    faults_ = new (shared) Faults{};
    std::array<int, 2> ready{};
    if (::pipe(ready.data()) != 0) throw std::runtime_error{"no pipe"};
    server_ = ::fork();
    if (server_ == 0) {
        ordered = faults_;
        told = numbers;
        serve(space_, ready[1]);
    }
    ::close(ready[1]);
    char yes = 0;
    const bool is_ready = ::read(ready[0], &yes, 1) == 1;
    ::close(ready[0]);
    if (!is_ready) throw std::runtime_error{"cannot mount a FUSE file system"};
}

FuseMedium::~FuseMedium() {
    ::umount2(path().c_str(), MNT_DETACH);
    ::kill(server_, SIGKILL);
    ::waitpid(server_, nullptr, 0);
    ::munmap(faults_, sizeof(Faults));
}

void FuseMedium::fail(const Faults& faults) {
    *faults_ = faults;
}

}  // namespace berth::vfs::posix
