// The server's promises beyond its own lifetime: small lists, each in a file of the state
// directory. A list is kept in memory; its changes are appended to the file as records with a
// checksum, and changes that wait together cost one write. A file that is mostly dead records is
// rewritten.
//
// The process has one store. Its one thread does all the writing and always acts as the server; a
// thread that serves a call never opens such a file. The store's lock is taken last, and never held
// while a file is read or written.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <system_error>
#include <vector>

#include "nfs/state/folder.hpp"
#include "rpc/threads/background.hpp"

namespace berth::state {

class Store {
public:
    using Clock = std::chrono::steady_clock;
    /// A count of a file's changes; a later one includes those before it. 0: nothing has changed.
    using Change = std::uint64_t;

    struct Options {
        /// Makes what was written to a file durable: fdatasync(2), unless a test replaces it.
        Folder::Synchronize synchronize;
        /// A failure that lasts is reported once in this time, while writes are attempted.
        std::chrono::milliseconds between_news{60'000};
    };

    struct Entry {
        std::string key;
        std::string value;
        bool operator==(const Entry&) const = default;
    };
    using Entries = std::vector<Entry>;

    /// For the log.
    struct News {
        enum class What : std::uint8_t {
            fails,    ///< can't be written; reported at once and then from time to time
            works,    ///< can be written again
            cut,      ///< at the start: the last write was not finished
            damaged,  ///< at the start: the file can't be read, or only in part
        };
        What what = What::fails;
        std::string file;    ///< its path
        std::string reason;  ///< of the failure or damage
        std::string aside;   ///< the damaged file's new name; empty: in its place, not written
    };

    struct FileOptions {
        /// Its name in the state directory.
        std::string name;
        /// The thread that opens the file calls it, and later the store's own thread.
        std::function<void(const News&)> tell;
        /// Converts a text file of earlier versions; empty: it is not such a file.
        std::function<std::optional<Entries>(const std::string& text)> convert;
        /// A damaged file is replaced at once by what could be read of it. Otherwise with the next
        /// change, and until then every start finds the damage.
        bool replaces_damaged = false;
    };

    class File;

    /// Starts the thread; the calling thread must not act as a caller. `folder` outlives this.
    explicit Store(const Folder& folder) : Store(folder, Options{}) {}
    Store(const Folder& folder, Options options);
    Store(const Store&) = delete;
    Store& operator=(const Store&) = delete;
    /// All files must be gone.
    ~Store();

private:
    struct Slot;

    void run(const std::stop_token& stop);
    void commit(std::unique_lock<std::mutex>& held, Slot& slot);
    [[nodiscard]] std::error_code write(Slot& slot);
    vfs::Result<void> append(Slot& slot);
    vfs::Result<void> rewrite(Slot& slot);
    void tell_of(Slot& slot, const std::error_code& outcome) const;
    [[nodiscard]] Slot* next_due();
    [[nodiscard]] bool is_in_place(const Slot& slot,
                                   const std::optional<Folder::Identity>& identity) const;

    const Folder& folder_;
    const Options options_;
    std::condition_variable_any changed_;
    std::condition_variable tried_;
    std::mutex lock_;
    // Guarded by lock_:
    std::list<std::unique_ptr<Slot>> slots_;

    threads::Background thread_;
};

/// A list of entries, each identified by its key. Locks itself; any thread.
class Store::File {
public:
    /// Reads the file and reports what is wrong with it; that throws nothing. Only one object at a
    /// time may have this file.
    File(Store& store, FileOptions options);
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    /// Writes what has not been written, if possible.
    ~File();

    [[nodiscard]] std::string path() const;
    /// The entries that the file had, in the order in which they were put there.
    [[nodiscard]] const Entries& found() const noexcept { return found_; }
    /// Whether the file was damaged or unreadable, so that some entries may be missing.
    [[nodiscard]] bool may_lack_entries() const noexcept { return may_lack_entries_; }

    /// These do not wait. Nothing is written if the file has the entry already and is where the
    /// next start will look for it. Throws std::length_error if key and value exceed 64 KiB.
    Change put(const std::string& key, std::string value);
    /// The same, and moves the entry to the end of the order.
    Change put_last(const std::string& key, std::string value);
    Change erase(const std::string& key);

    /// Waits until the change is on disk, or until an attempt to write it has failed.
    [[nodiscard]] std::error_code wait_for(Change change);
    /// Whether the file has the key, though perhaps with an older value.
    [[nodiscard]] bool is_in_file(const std::string& key) const;

private:
    static void check(const std::string& key, const std::string& value);
    Change note_change();
    template <class Do>
    Change change(const std::string& key, Do change_table);

    Store& store_;
    Slot& slot_;
    Entries found_;
    bool may_lack_entries_ = false;
};

}  // namespace berth::state
