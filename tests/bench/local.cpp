// The system calls that a work comes down to, made by this very process on a directory: what a call
// to a server can't cost less than. `local DIR WORK SECONDS` prints one line of JSON; a system call
// that fails ends it.
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace {

void good(int result, const char* what) {
    if (result >= 0) return;
    std::perror(what);
    std::exit(1);
}

void create(int directory, const char* name) {
    const int made = openat(directory, name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);
    good(made, "openat");
    close(made);
}

double own_cpu_us() {
    timespec time{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) / 1e3;
}

void status(int object) {
    struct statx found {};
    good(statx(object, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME, &found), "statx");
}

/// The object a server keeps open, as it does.
int file_in(int directory) {
    static const int file = openat(directory, "file", O_PATH | O_NOFOLLOW | O_CLOEXEC);
    return file;
}

void look_up(int directory) {
    const open_how how{
        .flags = O_PATH | O_NOFOLLOW | O_CLOEXEC, .mode = 0, .resolve = RESOLVE_BENEATH};
    const auto found = static_cast<int>(syscall(SYS_openat2, directory, "file", &how, sizeof how));
    good(found, "openat2");
    status(found);
    alignas(file_handle) std::array<std::byte, sizeof(file_handle) + MAX_HANDLE_SZ> room{};
    auto* const handle = reinterpret_cast<file_handle*>(room.data());
    handle->handle_bytes = MAX_HANDLE_SZ;
    int mount = 0;
    good(name_to_handle_at(found, "", handle, &mount, AT_EMPTY_PATH), "name_to_handle_at");
    close(found);
    status(directory);
}

void read(int directory, std::size_t size) {
    static const int file = openat(directory, "file", O_RDWR | O_CLOEXEC);
    static std::vector<std::byte> into;
    if (into.size() != size) {
        into.resize(size);
        good(static_cast<int>(pwrite(file, into.data(), size, 0)), "pwrite");
    }
    status(file);
    good(static_cast<int>(pread(file, into.data(), size, 0)), "pread");
}

template <class Work>
auto twice(Work work) {
    return [work](int directory) {
        work(directory);
        work(directory);
    };
}

/// Two calls of the protocol each.
const std::map<std::string, std::function<void(int)>> pairs{
    {"getattr", twice([](int directory) { status(file_in(directory)); })},
    {"access", twice([](int directory) {
         status(file_in(directory));
         good(faccessat(file_in(directory), "", R_OK, AT_EMPTY_PATH | AT_EACCESS), "faccessat");
     })},
    {"lookup", twice(look_up)},
    {"read_4k", twice([](int directory) { read(directory, std::size_t{4} << 10); })},
    {"read_64k", twice([](int directory) { read(directory, std::size_t{64} << 10); })},
    {"read_1m", twice([](int directory) { read(directory, std::size_t{1} << 20); })},
    {"create_remove",
     [](int directory) {
         create(directory, "made");
         good(unlinkat(directory, "made", 0), "unlinkat");
     }},
    {"rename",
     [](int directory) {
         good(renameat(directory, "file", directory, "renamed"), "renameat");
         good(renameat(directory, "renamed", directory, "file"), "renameat");
     }},
    {"link_remove",
     [](int directory) {
         good(linkat(directory, "file", directory, "link", 0), "linkat");
         good(unlinkat(directory, "link", 0), "unlinkat");
     }},
    {"setattr",
     [](int directory) {
         good(fchmodat(directory, "file", 0640, 0), "fchmodat");
         good(fchmodat(directory, "file", 0644, 0), "fchmodat");
     }},
};

}  // namespace

int main(int count, char** arguments) {
    const auto work = count == 4 ? pairs.find(arguments[2]) : pairs.end();
    if (work == pairs.end()) {
        std::fprintf(stderr, "usage: local DIR WORK SECONDS, of:");
        for (const auto& [name, run] : pairs) std::fprintf(stderr, " %s", name.c_str());
        std::fprintf(stderr, "\n");
        return 2;
    }
    const int directory = open(arguments[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    good(directory, arguments[1]);
    create(directory, "file");

    using Clock = std::chrono::steady_clock;
    const auto began = Clock::now();
    const std::chrono::duration<double> length{std::atof(arguments[3])};
    const double cpu = own_cpu_us();
    unsigned long calls = 0;
    while (Clock::now() - began < length) {
        work->second(directory);
        calls += 2;
    }
    const double seconds = std::chrono::duration<double>(Clock::now() - began).count();
    std::printf(
        R"({"work": "%s", "calls": %lu, "errors": 0, "seconds": %.3f, "calls_per_s": %.1f, )"
        R"("server_cpu_us": %.3f})"
        "\n",
        arguments[2], calls, seconds, static_cast<double>(calls) / seconds,
        (own_cpu_us() - cpu) / static_cast<double>(calls));
}
