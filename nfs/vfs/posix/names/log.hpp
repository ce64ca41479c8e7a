// The names journal: what all trees of a server know about names, in append-only files. Its records
// survive the end of the process at once, and a crash of the machine once they are synchronised.
//
// A record puts or erases one name, and has a checksum; an index in memory says where the newest
// record of each name is. Records that are not whole are left out; their file is set aside once its
// other records have been copied. A background thread syncs ten times a second, begins new files,
// and empties the oldest file when too much of what is kept is dead or too many names are kept. It
// keeps names that were used since its last visit, and forgets the oldest others of trees that
// exceed their share.
//
// `lock_` is held while records are appended and entered in the index. find() takes it briefly;
// put_at_once() does not.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <boost/filesystem/operations.hpp>
#include <boost/filesystem/path.hpp>

#include "nfs/vfs/descriptor.hpp"
#include "nfs/vfs/posix/names/file.hpp"
#include "nfs/vfs/posix/names/index.hpp"
#include "nfs/vfs/posix/names/store.hpp"
#include "nfs/vfs/posix/system/group_sync.hpp"
#include "nfs/vfs/result.hpp"
#include "nfs/vfs/start_thread.hpp"

namespace berth::vfs::posix {

struct NameLogOptions {
    /// Not empty.
    StartThread start_thread;
    /// For all trees together; beyond it each tree has an equal share. A name takes about 25 bytes
    /// in memory and usually 250 bytes on disk, at most 1 KiB.
    std::size_t names_max = 8'000'000;
    /// A new file is begun when the last has this many bytes, or a sixteenth of the total.
    std::uint64_t file_bytes_min = std::uint64_t{4} << 20;
    /// Makes a file durable: fdatasync, unless a test counts calls or makes them fail.
    std::function<Result<void>(int descriptor)> synchronize;
};

class NameLog {
public:
    /// Makes the directory if need be. One process may use it at a time; another gets
    /// device_or_resource_busy. Removes journals of earlier releases. To be called by a thread that
    /// acts as the server.
    static Result<std::unique_ptr<NameLog>> open(const boost::filesystem::path& directory,
                                                 NameLogOptions options);
    NameLog(const NameLog&) = delete;
    NameLog& operator=(const NameLog&) = delete;
    ~NameLog();

    // As in NameStore; `tree` is the object's tree.
    std::vector<Place> find(std::uint64_t tree, const ObjectId& id);
    void put(std::uint64_t tree, const ObjectId& id, const ObjectId& directory,
             std::string_view name);
    bool put_at_once(std::uint64_t tree, const ObjectId& id, const ObjectId& directory,
                     std::string_view name);
    void erase(std::uint64_t tree, const ObjectId& id, const ObjectId& directory,
               std::string_view name);
    Result<void> synchronize();
    [[nodiscard]] std::optional<std::string> trouble();

    [[nodiscard]] const boost::filesystem::path& directory() const noexcept { return path_; }
    [[nodiscard]] std::size_t size() const noexcept { return index_.size(); }
    [[nodiscard]] std::uint64_t bytes_on_disk() const;
    /// See NameJournal.
    void release() const noexcept;
    /// Waits until the thread has nothing left to do. True if everything is durable.
    bool finish();

private:
    using File = std::shared_ptr<NameFile>;
    using Held = std::unique_lock<std::mutex>;

    NameLog(boost::filesystem::path path, Descriptor directory, NameLogOptions options);

    // name_log_files.cpp: called by open(), and later by the thread.
    Result<void> read_files();
    void read_file(const File& file);
    void remove_old_journals();
    bool begin_file();
    void finish_files();
    [[nodiscard]] bool is_found_by_path() const;
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
    void survive(const std::exception& failure) noexcept;
    void note(std::string trouble);
    [[nodiscard]] bool has_work();
    [[nodiscard]] bool is_pressing() const;
    void run(const std::stop_token& stop);
    void work();
    Result<void> synchronize_now();

    const boost::filesystem::path path_;
    const Descriptor directory_;
    const NameLogOptions options_;
    NameIndex index_;
    GroupSync group_;

    std::atomic<std::uint64_t> appended_{0};  ///< records
    std::atomic<std::uint64_t> last_put_{0};  ///< the number of the last put among them
    std::atomic<std::uint64_t> durable_{0};

    std::condition_variable_any changed_;
    mutable std::mutex lock_;
    // Guarded by lock_:
    std::map<std::uint32_t, File> files_;  ///< the last one is appended to
    std::vector<File> unsynchronized_;     ///< earlier ones that are not durable yet
    std::unordered_map<std::uint64_t, std::size_t> names_of_;  ///< how many, by tree
    std::uint64_t live_bytes_ = 0;                             ///< of live records
    std::optional<std::string> trouble_;
    std::vector<std::string> set_aside_before_;  ///< files that an earlier process set aside
    bool is_forgetting_ = false;
    bool has_failed_ = false;
    bool was_taken_away_ = false;
    bool hurry_ = false;
    std::uint64_t rounds_ = 0;  ///< of the thread's work that have begun
    std::uint64_t rounds_ended_ = 0;

    std::shared_ptr<void> thread_;
};

}  // namespace berth::vfs::posix
