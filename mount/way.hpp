// A path while its symbolic links are being followed. Plain text: it touches no file.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace berth::mount {

/// An absolute path as a list of names, without ".". The part before the first ".." is the head.
class Way {
public:
    static constexpr std::size_t bytes_max = 4096;

    explicit Way(std::string_view path) { append(path); }

    /// Without a leading or trailing "/"; empty for the root.
    [[nodiscard]] std::string head() const;
    [[nodiscard]] std::size_t names_in_head() const;
    /// Whether there is more than the head.
    [[nodiscard]] bool goes_up() const { return names_in_head() < names_.size(); }

    /// Removes the last name of the head and the ".." after it; above the root is the root.
    void go_up();
    /// Replaces the name at `index`, which is a symbolic link, by the link's text. False: the path
    /// is too long now.
    [[nodiscard]] bool follow(std::size_t index, std::string_view text);

private:
    void append(std::string_view path);

    std::vector<std::string> names_;
};

}  // namespace berth::mount
