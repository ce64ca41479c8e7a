// Remembered names that survive the process, and the machine: the journal of exports whose objects
// the kernel does not open by handle.
//
// A change is in a log file at once and in a database on disk a moment later, by a thread of its
// own, so that no call waits for a sync. What the machine's own end costs is that moment. Calls may
// wait for the database to be read and the log to be written, all but put_at_once().
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

#include "nfs/vfs/posix/id_hash.hpp"
#include "nfs/vfs/posix/name_database.hpp"
#include "nfs/vfs/posix/name_store.hpp"
#include "nfs/vfs/posix/recent_log.hpp"
#include "nfs/vfs/result.hpp"

namespace berth::vfs::posix {

class NamesOnDisk final : public NameStore {
public:
    /// The directory is made if need be; one process may use it at a time, else
    /// device_or_resource_busy. A database that is damaged is set aside, and a new one begun.
    static Result<std::unique_ptr<NamesOnDisk>> open(const std::filesystem::path& directory,
                                                     std::size_t names_max);
    /// Commits.
    ~NamesOnDisk() override;

    std::vector<Place> find(const ObjectId& id) override;
    void put(const ObjectId& id, const ObjectId& directory, std::string_view name) override;
    /// Knows the places put last, and takes no lock.
    bool put_at_once(const ObjectId& id, const ObjectId& directory, std::string_view name) override;
    void erase(const ObjectId& id, const ObjectId& directory, std::string_view name) override;
    [[nodiscard]] std::string describe() const override;
    [[nodiscard]] std::optional<std::string> trouble() override;

    /// Waits until all changes made so far are in the database; whether they are.
    bool commit();
    [[nodiscard]] std::size_t size() const { return database_->size(); }

private:
    using Changes = std::unordered_map<ObjectId, std::optional<Place>, IdHash>;

    NamesOnDisk(std::filesystem::path directory, RecentLog log,
                std::unique_ptr<NameDatabase> database, bool is_begun_anew);

    [[nodiscard]] const std::optional<Place>* find_recent(const ObjectId& id) const;
    [[nodiscard]] std::optional<Place> find_now(const ObjectId& id) const;
    void change(const ObjectId& id, std::optional<Place> place);
    std::atomic<std::uint64_t>& known(const ObjectId& id);
    void run();
    void commit_once(std::unique_lock<std::mutex>& held);
    void note(std::string trouble);

    const std::filesystem::path directory_;
    const std::unique_ptr<NameDatabase> database_;
    const bool is_begun_anew_;

    mutable std::mutex lock_;
    std::condition_variable changed_;
    RecentLog log_;
    Changes pending_;
    Changes committing_;
    // What was put last, by a keyed hash of all of it, for those that are put again and again.
    // Changed with the lock held, read without.
    std::vector<std::atomic<std::uint64_t>> known_;
    std::optional<std::string> trouble_;
    bool hurry_ = false;
    bool stopping_ = false;
    bool failed_ = false;
    std::uint64_t commits_ = 0;  // begun
    std::uint64_t commits_ended_ = 0;
    std::thread thread_;
};

}  // namespace berth::vfs::posix
