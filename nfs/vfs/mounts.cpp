#include "nfs/vfs/mounts.hpp"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <optional>

#include <fcntl.h>
#include <unistd.h>

namespace berth::vfs {
namespace {

/// Removes the text up to and including the next `end`, and returns it without the `end`.
std::string_view take(std::string_view& text, char end) {
    const auto piece = text.substr(0, text.find(end));
    text.remove_prefix(std::min(piece.size() + 1, text.size()));
    return piece;
}

template <class Number>
bool read(std::string_view text, Number& number) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc{} && end == text.data() + text.size();
}

/// Blanks, line ends and backslashes are written as three octal digits.
std::string unescaped(std::string_view text) {
    constexpr std::size_t digits = 3;
    std::string plain;
    while (!text.empty()) {
        unsigned value = 0;
        const auto number = text.substr(1, digits);
        const auto [end, error] =
            std::from_chars(number.data(), number.data() + number.size(), value, 8);
        const bool is_escape = text.front() == '\\' && number.size() == digits &&
                               error == std::errc{} && end == number.data() + digits;
        plain += is_escape ? static_cast<char>(value) : text.front();
        text.remove_prefix(is_escape ? 1 + digits : 1);
    }
    return plain;
}

std::optional<Mount> parse_mount(std::string_view line) {
    Mount mount;
    if (!read(take(line, ' '), mount.id) || !read(take(line, ' '), mount.parent)) return {};
    if (!read(take(line, ':'), mount.device_major)) return {};
    if (!read(take(line, ' '), mount.device_minor)) return {};
    mount.root = unescaped(take(line, ' '));
    mount.point = unescaped(take(line, ' '));
    // Options, then any number of fields up to a lone dash.
    while (!line.empty() && take(line, ' ') != "-") {
    }
    mount.type = unescaped(take(line, ' '));
    mount.source = unescaped(take(line, ' '));
    mount.options = unescaped(take(line, ' '));
    if (!mount.point.starts_with('/') || mount.type.empty()) return {};
    return mount;
}

}  // namespace

std::vector<Mount> parse_mounts(std::string_view text) {
    std::vector<Mount> mounts;
    while (!text.empty())
        if (auto mount = parse_mount(take(text, '\n'))) mounts.push_back(*std::move(mount));
    return mounts;
}

std::vector<Mount> read_mounts() {
    std::ifstream file{"/proc/self/mountinfo", std::ios::binary};
    return parse_mounts(std::string{std::istreambuf_iterator<char>{file}, {}});
}

bool shows_whole_file_system(std::uint64_t mount) {
    const auto mounts = read_mounts();
    const auto found = std::ranges::find(mounts, mount, &Mount::id);
    return found != mounts.end() && found->root == "/";
}

MountChanges::MountChanges() : descriptor_(::open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC)) {}

MountChanges::~MountChanges() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

}  // namespace berth::vfs
