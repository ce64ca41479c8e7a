// The names journal: what all trees of a server know of names, in files that are only ever appended
// to, so that it survives the process at once, and the machine's own end when it was synchronised.
//
// A record is a name put or erased, with a checksum; an index in memory says where the latest of
// each name is. Whatever is not whole is left out, and the file it was in is set aside once the
// rest of it has been copied on. A thread of its own does all that may be left until later: it
// syncs ten times a second, begins new files, and empties the oldest when too much of what is kept
// counts no more or too many names are kept. Those used since it last came by stay. Of the others
// those of trees that have more than their share are forgotten, by age.
//
// `lock_` is held while records are appended and what they say goes into the index. Finding takes
// it briefly; put_at_once() does not.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

#include "nfs/vfs/posix/descriptor.hpp"
#include "nfs/vfs/posix/group_sync.hpp"
#include "nfs/vfs/posix/name_file.hpp"
#include "nfs/vfs/posix/name_index.hpp"
#include "nfs/vfs/posix/name_store.hpp"
#include "nfs/vfs/result.hpp"

namespace berth::vfs::posix {

struct NameLogOptions {
    /// Of all trees together; beyond, each has an equal share. A name takes about 25 bytes in
    /// memory and, as a rule, 250 on disk, at most 1 KiB.
    std::size_t names_max = 8'000'000;
    /// A new file is begun when the last has so many bytes, or a sixteenth of all.
    std::uint64_t file_bytes_min = std::uint64_t{4} << 20;
    /// What makes a file durable; fdatasync unless a test counts or fails it.
    std::function<Result<void>(int descriptor)> synchronize;
};

class NameLog {
public:
    /// The directory is made if need be; one process may use it at a time, else
    /// device_or_resource_busy. Journals of earlier releases in it are removed. To be called by a
    /// thread that acts as the server.
    static Result<std::unique_ptr<NameLog>> open(const std::filesystem::path& directory,
                                                 NameLogOptions options = {});
    NameLog(const NameLog&) = delete;
    NameLog& operator=(const NameLog&) = delete;
    ~NameLog();

    // As NameStore has them; `tree`: whose object it is.
    std::vector<Place> find(std::uint64_t tree, const ObjectId& id);
    void put(std::uint64_t tree, const ObjectId& id, const ObjectId& directory,
             std::string_view name);
    bool put_at_once(std::uint64_t tree, const ObjectId& id, const ObjectId& directory,
                     std::string_view name);
    void erase(std::uint64_t tree, const ObjectId& id, const ObjectId& directory,
               std::string_view name);
    Result<void> synchronize();
    [[nodiscard]] std::optional<std::string> trouble();

    [[nodiscard]] const std::filesystem::path& directory() const noexcept { return path_; }
    [[nodiscard]] std::size_t size() const noexcept { return index_.size(); }
    [[nodiscard]] std::uint64_t bytes_on_disk() const;
    /// Waits until the thread has nothing left to do; whether all is durable.
    bool settle();

private:
    using File = std::shared_ptr<NameFile>;
    using Held = std::unique_lock<std::mutex>;

    NameLog(std::filesystem::path path, Descriptor directory, NameLogOptions options);

    // name_log_files.cpp: by open(), and later by the thread.
    Result<void> read_files();
    void read_file(const File& file);
    void remove_old_journals();
    bool begin_file();
    void finish_files();
    void look_after_files();
    bool empty(const File& file);
    bool keep(const NameRecord& record, NamePosition position, bool in_any_case);
    void set_aside(const std::string& name, std::uint32_t number);

    // With `lock_` held:
    [[nodiscard]] std::uint64_t bytes() const;
    [[nodiscard]] std::uint64_t file_bytes() const;
    [[nodiscard]] bool is_file_full() const;
    [[nodiscard]] bool may_forget(std::uint64_t tree) const;
    [[nodiscard]] std::size_t enough() const { return options_.names_max - options_.names_max / 8; }
    [[nodiscard]] bool has_too_many();
    [[nodiscard]] File next_to_empty();

    // name_log.cpp
    [[nodiscard]] std::optional<NameRecord> read(std::uint64_t tree, std::uint64_t object,
                                                 NamePosition position, bool& has_moved);
    std::optional<NamePosition> append(const std::vector<std::byte>& record);
    void count_put(std::uint64_t tree, NamePosition position, const NameIndex::Put& put);
    void count_erased(std::uint64_t tree, NamePosition position);
    static std::string text_of(std::errc error);
    void fail(std::string trouble);
    void note(std::string trouble);
    [[nodiscard]] bool has_work();
    [[nodiscard]] bool is_pressing() const;
    void run();
    void work();
    Result<void> synchronize_now();

    const std::filesystem::path path_;
    const Descriptor directory_;
    const NameLogOptions options_;
    NameIndex index_;
    GroupSync group_;

    mutable std::mutex lock_;
    std::condition_variable changed_;
    std::map<std::uint32_t, File> files_;  ///< the last is appended to
    std::vector<File> unsynchronized_;     ///< those before it that are not durable yet
    std::unordered_map<std::uint64_t, std::size_t> names_of_;  ///< so many, by tree
    std::uint64_t live_bytes_ = 0;                             ///< of records that count
    std::optional<std::string> trouble_;
    std::vector<std::string> set_aside_before_;  ///< files, by an earlier process
    bool is_forgetting_ = false;
    bool has_failed_ = false;
    bool hurry_ = false;
    bool stopping_ = false;
    std::uint64_t rounds_ = 0;  ///< of the thread's work, begun
    std::uint64_t rounds_ended_ = 0;
    std::atomic<std::uint64_t> appended_{0};  ///< records
    std::atomic<std::uint64_t> last_put_{0};  ///< of these
    std::atomic<std::uint64_t> durable_{0};
    std::thread thread_;
};

}  // namespace berth::vfs::posix
