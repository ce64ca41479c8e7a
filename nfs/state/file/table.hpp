// The wanted contents of a state file, and its actual contents: the difference must be written. A
// change that is reverted before it was written costs nothing. The caller does the locking.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace berth::state::file {

class Table {
public:
    struct State {
        std::string value;
        std::uint64_t order = 0;  ///< of the last put; this is the order in the file
        bool operator==(const State&) const = default;
    };
    /// A key, and its new state; empty: it is erased.
    struct Pending {
        std::string key;
        std::optional<State> state;
    };

    /// To be called with the records of the file.
    void found(std::string_view key, std::optional<std::string_view> value);

    void put(const std::string& key, std::string value);
    /// The same, and moves the key to the end of the order.
    void put_last(const std::string& key, std::string value);
    void erase(const std::string& key);

    /// Whether the file's state of this key is up to date.
    [[nodiscard]] bool is_written(const std::string& key) const { return !changed_.contains(key); }
    /// Whether the file has the key.
    [[nodiscard]] bool is_in_file(const std::string& key) const;
    [[nodiscard]] bool has_changes() const { return !changed_.empty(); }

    /// The changes to append to the existing file; and all entries for a file that replaces it.
    [[nodiscard]] std::vector<Pending> changes() const;
    [[nodiscard]] std::vector<Pending> all() const;
    /// To be called when that has been written.
    void written(const std::vector<Pending>& changes);
    void rewritten(const std::vector<Pending>& all);

    /// The size of all() in a file.
    [[nodiscard]] std::size_t live_bytes() const { return live_bytes_; }

private:
    struct Entry {
        std::optional<State> wanted;
        std::optional<State> written;
    };
    using Entries = std::map<std::string, Entry>;

    void set(const std::string& key, std::optional<State> wanted);
    void now_in_file(const std::string& key, const std::optional<State>& state);
    void compare(Entries::iterator entry);
    static void sort(std::vector<Pending>& pending);

    Entries entries_;
    std::set<std::string> changed_;
    std::uint64_t last_ = 0;
    std::size_t live_bytes_ = 0;
};

}  // namespace berth::state::file
