#include "tests/media/exported_directory.hpp"

#include <array>
#include <cstddef>
#include <fstream>
#include <iostream>
#include <iterator>
#include <stdexcept>

#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/filesystem/directory.hpp>
#include <boost/filesystem/operations.hpp>

namespace berth::vfs::posix {

ExportedDirectory::ExportedDirectory(const Options& options) {
    ::umask(0);
    ::chmod(local.path().c_str(), 0777);
    open_again(options);
}

ExportedDirectory::~ExportedDirectory() = default;

void ExportedDirectory::open_again(const Options& options) {
    files.reset();
    auto opened = open(local.path(), options);
    if (!opened) throw std::runtime_error{opened.error().reason};
    files = std::move(*opened);
}

NodePtr ExportedDirectory::root() {
    return files->root().value();
}

NodePtr ExportedDirectory::lookup(std::string_view name) {
    return root()->lookup(root_caller, name).value();
}

NodePtr ExportedDirectory::create(const Caller& caller, std::string_view name, std::uint32_t mode) {
    return root()->create(caller, name, {.attributes = {.mode = mode}}).value();
}

NodePtr ExportedDirectory::make_directory(const Caller& caller, std::string_view name,
                                          std::uint32_t mode) {
    return root()->make_directory(caller, name, {.mode = mode}).value();
}

void in_child_process(const std::function<void()>& body) {
    std::cout.flush();
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        try {
            body();
        } catch (const std::exception& problem) {
            ADD_FAILURE() << problem.what();
        }
        std::cout.flush();
        ::_exit(::testing::Test::HasFailure() ? 1 : 0);
    }
    int outcome = 0;
    ASSERT_EQ(::waitpid(child, &outcome, 0), child);
    EXPECT_TRUE(WIFEXITED(outcome)) << "killed by signal " << WTERMSIG(outcome);
    EXPECT_EQ(WEXITSTATUS(outcome), 0) << "see the failures above";
}

void become_ordinary_user(uid_t uid) {
    if (::setgroups(0, nullptr) != 0 || ::setresgid(uid, uid, uid) != 0 ||
        ::setresuid(uid, uid, uid) != 0) {
        throw std::runtime_error{"cannot become an ordinary user"};
    }
}

void have_own_mounts() {
    if (::unshare(CLONE_NEWNS) != 0 ||
        ::mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
        throw std::runtime_error{"cannot have mounts of its own"};
    }
}

void mount_memory(const boost::filesystem::path& onto, const std::string& options) {
    if (::mount("tmpfs", onto.c_str(), "tmpfs", 0, options.c_str()) != 0) {
        throw std::runtime_error{"cannot mount a tmpfs on " + onto.string()};
    }
}

void bind_mount(const std::string& from, const std::string& onto) {
    if (::mount(from.c_str(), onto.c_str(), nullptr, MS_BIND, nullptr) != 0) {
        throw std::runtime_error{"cannot mount " + from + " on " + onto};
    }
}

void forbid_system_calls(std::initializer_list<int> numbers, std::errc answer) {
    std::vector<sock_filter> program{
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr))};
    for (const int number : numbers) {
        program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<unsigned>(number), 0, 1));
        program.push_back(
            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<unsigned>(answer)));
    }
    program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
    const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) {
        throw std::runtime_error{"cannot forbid system calls"};
    }
}

struct stat local_status(const boost::filesystem::path& path) {
    struct stat found {};
    EXPECT_EQ(::lstat(path.c_str(), &found), 0) << path;
    return found;
}

void write_local(const std::string& path, std::string_view text) {
    std::ofstream{path, std::ios::binary} << text;
}

std::string read_local(const std::string& path) {
    std::ifstream file{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{file}, {}};
}

std::string read_all(Node& node, const Caller& caller) {
    std::array<std::byte, 65536> into{};
    const auto count = node.read(caller, 0, into);
    if (!count) return "error " + std::make_error_code(count.error()).message();
    return {reinterpret_cast<const char*>(into.data()), *count};
}

std::size_t open_descriptors() {
    const boost::filesystem::directory_iterator all{"/proc/self/fd"};
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

}  // namespace berth::vfs::posix
