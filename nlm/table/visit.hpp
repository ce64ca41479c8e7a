// How the lock table works on one file: the thread that has entered it visits it alone, and runs
// the errands that others have left. Any thread.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <list>
#include <optional>
#include <utility>
#include <vector>

#include "nlm/lock_table.hpp"

namespace berth::nlm {

struct LockTable::File {
    explicit File(FileKey name) : key(std::move(name)) {}

    const FileKey key;
    // Used by the thread that visits the file.
    LockedFile locks;
    std::vector<Share> shares;
    // Guarded by the table's lock.
    std::size_t users = 0;  ///< threads that visit it or wait to
    bool is_visited = false;
    std::condition_variable left;
    std::list<Errand> errands;  ///< left to the visitor by threads that do not wait
    Uses counted;               ///< this file's part of the table's counts
};

/// One operation on an entered file. Its end updates the counts, gives up a file without locks, and
/// reports grants.
class LockTable::Visit {
public:
    Visit(LockTable& table, File& file) : table_(table), file_(file) { run_errands(); }
    Visit(const Visit&) = delete;
    Visit& operator=(const Visit&) = delete;

    File* operator->() const { return &file_; }
    [[nodiscard]] bool reserve(const Host& host, const LockedFile::Growth& growth) {
        return table_.reserve(file_, host, growth);
    }
    /// Something was released: waiters may have it.
    void serve();
    /// The owner has locked or unlocked the range of the request: see PendingGrants.
    void changed(const LockRequest& request);

    ~Visit();

private:
    [[nodiscard]] std::optional<bool> leave() { return table_.leave(file_, count(file_)); }
    void run_errands() noexcept;

    LockTable& table_;
    File& file_;
    std::vector<LockedFile::Served> served_;
    std::vector<Grant> grants_;
};

}  // namespace berth::nlm
