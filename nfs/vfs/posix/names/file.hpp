// One file of the names journal: records one after the other; only the newest file is written to.
// Everything read is checked, so a damaged, truncated or missing file is a nuisance, not a danger.
//
// One thread at a time calls append(), write_out() and close_in_peace(); any thread calls the
// others.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include <boost/thread/synchronized_value.hpp>

#include "nfs/vfs/descriptor.hpp"
#include "nfs/vfs/posix/names/index.hpp"
#include "nfs/vfs/posix/names/record.hpp"
#include "nfs/vfs/result.hpp"

namespace berth::vfs::posix {

class NameFile {
public:
    /// The file's name while it may be written to, and after it was closed cleanly.
    static std::string open_name(std::uint32_t number);
    static std::string closed_name(std::uint32_t number);

    /// Makes a new file, whose name is durable. `directory` outlives it.
    static Result<std::shared_ptr<NameFile>> make(int directory, std::uint32_t number);
    /// Opens an existing file. bad_message: it is not a file of this kind.
    static Result<std::shared_ptr<NameFile>> open(int directory, std::uint32_t number,
                                                  bool is_closed);

    [[nodiscard]] std::uint32_t number() const noexcept { return number_; }
    [[nodiscard]] std::uint64_t size() const noexcept { return size_.load(); }

    /// Returns where the record is from now on: on disk if possible, else in memory until
    /// write_out() has succeeded. file_too_large: it was not stored.
    Result<NamePosition> append(std::span<const std::byte> record);
    Result<void> write_out();
    /// Whether some records are in memory only.
    [[nodiscard]] bool has_unwritten() const noexcept { return written_.load() < size_.load(); }
    /// The error that kept them from being written.
    [[nodiscard]] std::errc write_error() const noexcept { return write_error_.load(); }
    [[nodiscard]] int descriptor() const noexcept { return descriptor_.number(); }

    /// False: somebody has truncated or removed the file.
    [[nodiscard]] bool is_all_there() const;
    /// io_error or bad_message: the record is not there (any more).
    [[nodiscard]] Result<NameRecord> read(NamePosition position) const;

    using Tell = std::function<void(NamePosition position, const NameRecord& record)>;
    /// Reports all whole records in order. True if there was nothing else and the file ends as it
    /// should.
    [[nodiscard]] bool scan(const Tell& tell) const;
    /// Cuts off the partial record that scan() found at the end of a file that was not closed. A
    /// writer that is killed can leave one, because the kill takes effect between two pages.
    void cut_torn_end() noexcept;

    /// Makes a closed file writable again.
    Result<void> open_again();
    /// To be called after the last append.
    Result<void> close_in_peace();
    Result<void> remove() const;
    /// The file's name in the directory.
    [[nodiscard]] std::string name() const;

    void mark_damaged() noexcept { is_damaged_ = true; }
    [[nodiscard]] bool is_damaged() const noexcept { return is_damaged_.load(); }

private:
    NameFile(int directory, std::uint32_t number, bool is_closed, Descriptor descriptor,
             std::uint64_t size);

    Result<void> rename_to(const std::string& to) const;
    std::size_t read_some(std::uint64_t offset, std::span<std::byte> into) const;
    std::size_t read_bytes(std::uint64_t offset, std::span<std::byte> into) const;

    const int directory_;
    const std::uint32_t number_;
    const Descriptor descriptor_;
    std::atomic<bool> is_closed_;
    std::atomic<bool> is_damaged_{false};
    mutable std::atomic<std::uint64_t> torn_at_{0};
    std::atomic<std::uint64_t> size_;
    std::atomic<std::uint64_t> written_;
    std::atomic<std::errc> write_error_{};
    // From written_ to size_.
    boost::synchronized_value<std::vector<std::byte>, std::mutex> unwritten_;
};

}  // namespace berth::vfs::posix
