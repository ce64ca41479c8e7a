// One file of the names journal: records, one after the other, the last of them written to. What is
// read is checked, so that a file which is damaged, cut short or gone is a nuisance and no danger.
//
// append(), write_out() and close_in_peace() are called by one thread at a time; the others by any.
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

#include "nfs/vfs/posix/descriptor.hpp"
#include "nfs/vfs/posix/name_index.hpp"
#include "nfs/vfs/posix/name_record.hpp"
#include "nfs/vfs/result.hpp"

namespace berth::vfs::posix {

class NameFile {
public:
    /// What the file is called while it may be written to, and when it was closed in peace.
    static std::string open_name(std::uint32_t number);
    static std::string closed_name(std::uint32_t number);

    /// A new one; its name is durable. `directory` outlives it.
    static Result<std::shared_ptr<NameFile>> make(int directory, std::uint32_t number);
    /// One that is there. bad_message: it is no file of this kind.
    static Result<std::shared_ptr<NameFile>> open(int directory, std::uint32_t number,
                                                  bool is_closed);

    [[nodiscard]] std::uint32_t number() const noexcept { return number_; }
    [[nodiscard]] std::uint64_t size() const noexcept { return size_.load(); }

    /// Where the record is from now on, on disk if that is possible and else in memory, until
    /// write_out() has succeeded. file_too_large: it is nowhere.
    Result<NamePosition> append(std::span<const std::byte> record);
    Result<void> write_out();
    /// Whether something is in memory alone.
    [[nodiscard]] bool has_unwritten() const noexcept { return written_.load() < size_.load(); }
    /// What kept it from being written.
    [[nodiscard]] std::errc write_error() const noexcept { return write_error_.load(); }
    [[nodiscard]] int descriptor() const noexcept { return descriptor_.number(); }

    /// False: somebody has cut it short or removed it.
    [[nodiscard]] bool is_all_there() const;
    /// io_error or bad_message: the record is not there (any more).
    [[nodiscard]] Result<NameRecord> read(NamePosition position) const;

    using Tell = std::function<void(NamePosition position, const NameRecord& record)>;
    /// Tells all records that are whole, in their order. Whether there was nothing else, and the
    /// end is what it should be.
    [[nodiscard]] bool scan(const Tell& tell) const;

    /// It may be appended to after all.
    Result<void> open_again();
    /// After the last append.
    Result<void> close_in_peace();
    Result<void> remove() const;
    /// In the directory.
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
    std::atomic<std::uint64_t> size_;
    std::atomic<std::uint64_t> written_;
    std::atomic<std::errc> write_error_{};
    mutable std::mutex lock_;
    std::vector<std::byte> unwritten_;  // from written_ to size_
};

}  // namespace berth::vfs::posix
