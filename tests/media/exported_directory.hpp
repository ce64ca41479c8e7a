// A fresh directory and the tree that exports it, for the tests here. They run as root: callers of
// any identity act on real files.
#pragma once

#include <functional>
#include <initializer_list>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <sys/stat.h>

#include <gtest/gtest.h>

#include "nfs/vfs/posix.hpp"
#include "tests/support/temporary_directory.hpp"

namespace berth::vfs::posix {

inline const Caller root_caller{.identity = {.uid = 0, .gid = 0, .groups = {}},
                                .patience = Patience::ample};
inline const Caller alice{.identity = {.uid = 1000, .gid = 1000, .groups = {}},
                          .patience = Patience::ample};
inline const Caller bob{.identity = {.uid = 1001, .gid = 1001, .groups = {}},
                        .patience = Patience::ample};

inline Caller not_waiting(Caller caller) {
    caller.patience = Patience::none;
    return caller;
}

/// For a journal of names.
inline std::shared_ptr<void> start_thread(const std::string& /*name*/,
                                          std::function<void(const std::stop_token&)> work) {
    return std::make_shared<std::jthread>(std::move(work));
}

/// A temporary directory whose paths are texts, as system calls want them.
class TemporaryDirectory : private berth::test::TemporaryDirectory {
public:
    using berth::test::TemporaryDirectory::TemporaryDirectory;

    [[nodiscard]] const std::string& path() const {
        return berth::test::TemporaryDirectory::path().native();
    }
    [[nodiscard]] std::string operator/(std::string_view name) const {
        return path() + "/" + std::string{name};
    }
};

/// Every test of a suite: `local` is the directory as local processes see it, open to all; `files`
/// exports it.
class ExportedDirectory : public ::testing::Test {
protected:
    explicit ExportedDirectory(const Options& options = {});
    ~ExportedDirectory() override;

    /// The tree as a restarted server would see it.
    void open_again(const Options& options);

    NodePtr root();
    NodePtr lookup(std::string_view name);
    NodePtr create(const Caller& caller, std::string_view name, std::uint32_t mode = 0644);
    NodePtr make_directory(const Caller& caller, std::string_view name, std::uint32_t mode = 0755);

    TemporaryDirectory local;
    std::unique_ptr<FileSystem> files;
};

/// Runs `body` in a process of its own, which may drop privileges or change its mounts; its failed
/// expectations are this test's.
void in_child_process(const std::function<void()>& body);

/// Gives up root for good: the whole process becomes this user, with no capability left.
void become_ordinary_user(uid_t uid);

/// For the test's child processes: mounts made from now on are seen by nobody else, and end with
/// the process.
void have_own_mounts();
void mount_memory(const boost::filesystem::path& onto, const std::string& options);
void bind_mount(const std::string& from, const std::string& onto);

/// From now on this process's kernel answers these calls with an error, as in a sandbox or an old
/// kernel.
void forbid_system_calls(std::initializer_list<int> numbers, std::errc answer);

struct stat local_status(const boost::filesystem::path& path);
void write_local(const std::string& path, std::string_view text);
std::string read_local(const std::string& path);
std::string read_all(Node& node, const Caller& caller);
std::size_t open_descriptors();

inline constexpr auto denied = std::errc::permission_denied;
inline constexpr auto not_permitted = std::errc::operation_not_permitted;

/// The outcome's error; success is a value no failure has.
template <class T>
std::errc error_of(const Result<T>& result) {
    return result ? std::errc{} : result.error();
}

}  // namespace berth::vfs::posix
