// How the lock table works on one file: who has entered it visits it alone, and does what others
// have left word for. Any thread.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include "nlm/lock_table.hpp"

namespace berth::nlm {

struct LockTable::File {
    explicit File(FileKey name) : key(std::move(name)) {}

    const FileKey key;
    // Of who visits the file.
    LockedFile locks;
    std::vector<Share> shares;
    // Under the table's lock.
    std::size_t users = 0;  ///< who visits it, and who wants to
    bool is_visited = false;
    std::condition_variable left;
    std::vector<Errand> errands;  ///< left to the visitor by those who do not wait
    Uses counted;                 ///< what is of this file in the table's counts
};

/// One operation on a file that has been entered. At the end the counts follow, a file without
/// locks is given up, and grants are told of.
class LockTable::Visit {
public:
    Visit(LockTable& table, File& file) : table_(table), file_(file) { run_errands(); }
    Visit(const Visit&) = delete;
    Visit& operator=(const Visit&) = delete;

    File* operator->() const { return &file_; }
    [[nodiscard]] bool reserve(const Host& host, const LockedFile::Growth& growth) {
        return table_.reserve(file_, host, growth);
    }
    /// Something was let go of: who waits may have it.
    void serve();

    ~Visit();

private:
    [[nodiscard]] std::optional<bool> leave() { return table_.leave(file_, count(file_)); }
    void run_errands();

    LockTable& table_;
    File& file_;
    std::vector<Grant> grants_;
};

}  // namespace berth::nlm
