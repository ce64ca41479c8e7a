#include "nlm/state/kept_file.hpp"

#include <cerrno>
#include <charconv>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace berth::nlm {
namespace {

constexpr std::string_view digits = "0123456789abcdef";

}  // namespace

std::string to_hex(std::string_view bytes) {
    std::string text = "x";
    for (const char byte : bytes) {
        const auto value = static_cast<unsigned char>(byte);
        text += digits[value >> 4U];
        text += digits[value & 15U];
    }
    return text;
}

std::optional<std::string> from_hex(std::string_view word) {
    if (word.size() % 2 == 0 || word.front() != 'x') return {};
    std::string bytes;
    for (std::size_t at = 1; at < word.size(); at += 2) {
        unsigned value = 0;
        const auto* begin = word.data() + at;
        const auto [end, error] = std::from_chars(begin, begin + 2, value, 16);
        if (error != std::errc{} || end != begin + 2) return {};
        bytes += static_cast<char>(value);
    }
    return bytes;
}

std::error_code replace(const std::filesystem::path& file, const std::string& text) {
    auto fresh = file;
    fresh += ".new";
    const int number =
        ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (number < 0) return {errno, std::generic_category()};
    const auto written = ::write(number, text.data(), text.size());
    const bool is_kept = written == static_cast<ssize_t>(text.size()) && ::fsync(number) == 0;
    const int reason = written < 0 || is_kept ? errno : ENOSPC;
    ::close(number);
    if (!is_kept) return {reason, std::generic_category()};
    if (::rename(fresh.c_str(), file.c_str()) != 0) return {errno, std::generic_category()};
    const int folder = ::open(file.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) return {errno, std::generic_category()};
    const bool is_synced = ::fsync(folder) == 0;
    const int failed = errno;
    ::close(folder);
    return is_synced ? std::error_code{} : std::error_code{failed, std::generic_category()};
}

}  // namespace berth::nlm
