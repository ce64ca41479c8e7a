// Reads, writes, and makes data durable.
#include <algorithm>
#include <atomic>
#include <ctime>
#include <limits>

#include <sys/sysinfo.h>
#include <sys/uio.h>
#include <unistd.h>

#include "nfs/vfs/posix/node/node.hpp"
#include "nfs/vfs/posix/tree.hpp"

namespace berth::vfs::posix {
namespace {

constexpr std::uint64_t io_end_max = std::numeric_limits<std::int64_t>::max();

Result<void> holds_contents(FileType type) {
    if (type == FileType::regular) return {};
    return type == FileType::directory ? std::errc::is_a_directory : std::errc::invalid_argument;
}

// The errors after which syncing the whole file system is still possible: that takes no permission
// and no descriptor of the object.
bool leaves_everything(std::errc error) {
    return error == std::errc::permission_denied || error == std::errc::too_many_files_open ||
           error == std::errc::too_many_files_open_in_system ||
           error == std::errc::not_enough_memory;
}

template <class Call>
Result<std::size_t> transferred(Call call) {
    ssize_t bytes = call();
    while (bytes < 0 && errno == EINTR) bytes = call();
    if (bytes < 0) return last_error();
    return static_cast<std::size_t>(bytes);
}

Result<std::size_t> read_all(int descriptor, std::uint64_t offset, std::span<std::byte> into) {
    std::size_t done = 0;
    while (done < into.size()) {
        const auto rest = into.subspan(done);
        auto got = transferred([&] {
            return ::pread(descriptor, rest.data(), rest.size(), static_cast<off_t>(offset + done));
        });
        if (!got) return done > 0 ? Result<std::size_t>{done} : got;
        if (*got == 0) break;
        done += *got;
    }
    return done;
}

// Whether memory may be swapped out. Checked once a second, since swap space can be added at any
// time.
bool has_swap_space() {
    static std::atomic<std::int64_t> looked_at{-1};
    static std::atomic<bool> found{true};
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    const std::int64_t second = now.tv_sec;
    if (looked_at.load() != second) {
        struct sysinfo about {};
        found.store(::sysinfo(&about) != 0 || about.totalswap != 0);
        looked_at.store(second);
    }
    return found.load();
}

}  // namespace

Result<std::size_t> Node::read(const Caller& caller, std::uint64_t offset,
                               std::span<std::byte> into, const Attributes* seen) {
    if (auto fits = holds_contents(type_); !fits) return fits.error();
    const int open_already = data_.readable();
    if (caller.patience == Patience::none && (open_already < 0 || tree_.abilities().remote)) {
        return would_block;
    }
    const auto now = look(seen);
    if (!now) return now.error();
    if (auto allowed = permit(caller, *now, may_read | may_execute); !allowed) {
        return allowed.error();
    }
    // Even an empty read would move the access time, which may hold the verifier of an exclusive
    // create.
    if (offset >= now->size || into.empty()) return 0U;
    into = into.first(std::min<std::uint64_t>(into.size(), io_end_max - offset));
    if (caller.patience == Patience::none) return read_now(open_already, offset, into, now->size);

    auto descriptor = data_.for_reading(tree_, path_.number());
    if (!descriptor) return descriptor.error();
    return read_all(*descriptor, offset, into);
}

Result<std::size_t> Node::read_now(int descriptor, std::uint64_t offset, std::span<std::byte> into,
                                   std::uint64_t size) const {
    // Such a file system does not support RWF_NOWAIT.
    if (tree_.abilities().in_memory)
        return has_swap_space() ? would_block : read_all(descriptor, offset, into);
    const iovec whole{.iov_base = into.data(), .iov_len = into.size()};
    auto got = transferred(
        [&] { return ::preadv2(descriptor, &whole, 1, static_cast<off_t>(offset), RWF_NOWAIT); });
    if (!got) {
        const bool not_here = got.error() == std::errc::operation_not_supported;
        return not_here ? would_block : got.error();
    }
    if (*got < into.size() && offset + *got < size) return would_block;
    return got;
}

Result<std::size_t> Node::write(const Caller& caller, std::uint64_t offset,
                                std::span<const std::byte> data, const Attributes* seen) {
    if (auto fits = holds_contents(type_); !fits) return fits.error();
    if (caller.patience == Patience::none) return would_block;
    const auto now = look(seen);
    if (!now) return now.error();
    // Quotas and the clearing of set-user-id depend on who writes, not on who opened the file.
    const auto acting = tree_.act_as(caller);
    if (!acting) return acting.error();
    if (auto allowed = permit(caller, *now, may_write); !allowed) return allowed.error();
    if (offset > io_end_max || data.size() > io_end_max - offset) {
        return std::errc::file_too_large;
    }
    if (data.empty()) return 0U;
    // The kernel checks this when a file is opened, and this one is open already. It would let
    // writes at the end of an append-only file through, but no client knows for sure where its end
    // is.
    if (now->immutable || now->append_only) return std::errc::operation_not_permitted;

    auto descriptor = data_.for_writing(tree_, path_.number());
    if (!descriptor) return descriptor.error();
    auto written = transferred([&] {
        return ::pwrite(*descriptor, data.data(), data.size(), static_cast<off_t>(offset));
    });
    tree_.changed(*this);
    return written;
}

Result<void> Node::sync(Sync what) {
    switch (type_) {
    case FileType::regular:
        return shared_.group().run(what, [this](Sync most) { return synchronize(most); });
    case FileType::directory:
        return shared_.group().run(what, [this](Sync most) { return synchronize_directory(most); });
    default: return shared_.group().run(what, [this](Sync) { return synchronize_unopenable(); });
    }
}

Result<void> Node::synchronize(Sync what) {
    auto descriptor = data_.for_reading(tree_, path_.number());
    if (descriptor) return tree_.synchronize(*descriptor, what);
    if (leaves_everything(descriptor.error())) return tree_.synchronize_everything();
    return descriptor.error();
}

// The directory's own sync covers the object as it was made; only syncing everything covers what
// has changed since.
Result<void> Node::synchronize_unopenable() {
    if (!changed_.exchange(false)) return {};
    auto outcome = tree_.synchronize_everything();
    if (!outcome) changed_.store(true);
    return outcome;
}

Result<void> Node::synchronize_directory(Sync what) {
    auto through = listings_.take(0);
    if (!through.descriptor) {
        auto opened = open_listing();
        if (!opened) {
            if (!leaves_everything(opened.error())) return opened.error();
            return tree_.synchronize_everything();
        }
        through = {.descriptor = std::move(*opened), .position = 0};
    }
    auto outcome = tree_.synchronize(through.descriptor.number(), what);
    listings_.give_back(std::move(through));
    // Clients must find an entry that survives a crash by the handles that they have.
    tree_.locator().synchronize();
    return outcome;
}

}  // namespace berth::vfs::posix
