// A file descriptor that closes itself, and helpers for every caller of the system.
#pragma once

#include <cerrno>
#include <system_error>
#include <utility>

#include <sys/types.h>
#include <unistd.h>

#include "nfs/vfs/result.hpp"

namespace berth::vfs {

class Descriptor {
public:
    Descriptor() = default;
    explicit Descriptor(int number) noexcept : number_(number) {}
    Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        std::swap(number_, other.number_);
        return *this;
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() {
        if (number_ >= 0) ::close(number_);
    }

    [[nodiscard]] int number() const noexcept { return number_; }
    [[nodiscard]] int release() noexcept { return std::exchange(number_, -1); }
    explicit operator bool() const noexcept { return number_ >= 0; }

private:
    int number_ = -1;
};

[[nodiscard]] inline std::errc last_error() noexcept {
    return static_cast<std::errc>(errno);
}

/// 0 is success; for anything else errno has the error.
[[nodiscard]] inline Result<void> checked(long outcome) {
    if (outcome != 0) return last_error();
    return {};
}

/// Like openat(2), with O_CLOEXEC. Outside of an operation on behalf of a caller it opens as the
/// server.
Result<Descriptor> open_at(int directory, const char* name, int flags, mode_t mode = 0);

}  // namespace berth::vfs
