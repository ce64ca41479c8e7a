#include "nfs/vfs/posix/names/file.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "nfs/vfs/posix/system/calls.hpp"

namespace berth::vfs::posix {
namespace {

// The first bytes of a file: they say which format its records have.
constexpr std::array<char, record_alignment> head{'b', 'e', 'r', 't', 'h', 'N', '1', '\n'};

constexpr std::size_t unwritten_max = std::size_t{32} << 20;
constexpr std::size_t chunk_bytes = std::size_t{1} << 18;

// After an unreadable place, reading goes on this far behind it.
constexpr std::uint64_t bytes_per_gap = 4096;

// Errors which say that something else is in the file's place, or a file that we can't use.
bool is_about_the_file(std::errc error) {
    using enum std::errc;
    return std::ranges::any_of(std::array{is_a_directory, permission_denied,
                                          operation_not_permitted, too_many_symbolic_link_levels,
                                          no_such_device_or_address, no_such_device, io_error,
                                          file_exists},
                               [&](std::errc one) { return one == error; });
}

}  // namespace

std::string NameFile::open_name(std::uint32_t number) {
    return std::to_string(number) + ".open";
}

std::string NameFile::closed_name(std::uint32_t number) {
    return std::to_string(number) + ".names";
}

std::string NameFile::name() const {
    return is_closed_ ? closed_name(number_) : open_name(number_);
}

NameFile::NameFile(int directory, std::uint32_t number, bool is_closed, Descriptor descriptor,
                   std::uint64_t size)
    : directory_(directory),
      number_(number),
      descriptor_(std::move(descriptor)),
      is_closed_(is_closed),
      size_(size),
      written_(size) {}

Result<std::shared_ptr<NameFile>> NameFile::make(int directory, std::uint32_t number) {
    auto made =
        open_at(directory, open_name(number).c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
    if (!made) return made.error();
    std::shared_ptr<NameFile> file{new NameFile{directory, number, false, std::move(*made), 0}};
    if (auto begun = file->append(std::as_bytes(std::span{head})); !begun) return begun.error();
    auto outcome = file->write_out();
    if (outcome) outcome = checked(::fsync(file->descriptor()));
    if (outcome) outcome = checked(::fsync(directory));
    if (outcome) return file;
    static_cast<void>(file->remove());
    return outcome.error();
}

Result<std::shared_ptr<NameFile>> NameFile::open(int directory, std::uint32_t number,
                                                 bool is_closed) {
    const auto name = is_closed ? closed_name(number) : open_name(number);
    auto opened = open_at(directory, name.c_str(), O_RDWR | O_NOFOLLOW | O_NONBLOCK);
    if (!opened) return is_about_the_file(opened.error()) ? std::errc::bad_message : opened.error();
    struct stat about {};
    if (::fstat(opened->number(), &about) != 0) return last_error();
    if (!S_ISREG(about.st_mode)) return std::errc::bad_message;
    const auto size = static_cast<std::uint64_t>(about.st_size) / record_alignment;
    return std::shared_ptr<NameFile>{
        new NameFile{directory, number, is_closed, std::move(*opened), size * record_alignment}};
}

Result<NamePosition> NameFile::append(std::span<const std::byte> record) {
    const auto at = size_.load();
    if (at + record.size() > NamePosition::offset_max) return std::errc::file_too_large;
    const NamePosition position{number_, at, record.size()};
    if (!has_unwritten()) {
        const auto count =
            ::pwrite(descriptor_.number(), record.data(), record.size(), static_cast<off_t>(at));
        if (count == static_cast<ssize_t>(record.size())) {
            size_ = at + record.size();
            written_ = at + record.size();
            return position;
        }
        write_error_ = count < 0 ? last_error() : std::errc::no_space_on_device;
    }
    auto unwritten = unwritten_.synchronize();
    if (unwritten->size() + record.size() > unwritten_max) return std::errc::file_too_large;
    unwritten->insert(unwritten->end(), record.begin(), record.end());
    size_ = at + record.size();
    return position;
}

Result<void> NameFile::write_out() {
    auto unwritten = unwritten_.synchronize();
    std::size_t done = 0;
    Result<void> outcome;
    while (done < unwritten->size()) {
        const auto count =
            ::pwrite(descriptor_.number(), unwritten->data() + done, unwritten->size() - done,
                     static_cast<off_t>(written_.load() + done));
        if (count <= 0) {
            outcome = count < 0 ? last_error() : std::errc::io_error;
            break;
        }
        done += static_cast<std::size_t>(count);
    }
    unwritten->erase(unwritten->begin(), unwritten->begin() + static_cast<std::ptrdiff_t>(done));
    if (unwritten->empty()) unwritten->shrink_to_fit();
    written_ += done;
    return outcome;
}

bool NameFile::is_all_there() const {
    struct stat about {};
    const auto written = written_.load();
    return ::fstat(descriptor_.number(), &about) != 0 ||
           (about.st_nlink > 0 && static_cast<std::uint64_t>(about.st_size) >= written);
}

// Reads at least one byte unless there are none: a truncated file has fewer.
std::size_t NameFile::read_some(std::uint64_t offset, std::span<std::byte> into) const {
    if (offset >= written_) {
        auto unwritten = unwritten_.synchronize();
        const auto written = written_.load();
        if (offset >= written) {
            const auto rest = std::span{*unwritten}.subspan(
                std::min<std::uint64_t>(offset - written, unwritten->size()));
            const auto bytes = std::min(rest.size(), into.size());
            std::ranges::copy(rest.first(bytes), into.begin());
            return bytes;
        }
    }
    into = into.first(std::min<std::uint64_t>(into.size(), written_ - offset));
    const auto count =
        ::pread(descriptor_.number(), into.data(), into.size(), static_cast<off_t>(offset));
    return count < 0 ? 0 : static_cast<std::size_t>(count);
}

std::size_t NameFile::read_bytes(std::uint64_t offset, std::span<std::byte> into) const {
    std::size_t done = 0;
    while (done < into.size()) {
        const auto count = read_some(offset + done, into.subspan(done));
        if (count == 0) break;
        done += count;
    }
    return done;
}

Result<NameRecord> NameFile::read(NamePosition position) const {
    std::array<std::byte, record_bytes_max> bytes;
    const auto wanted = std::span{bytes}.first(std::min(position.bytes(), bytes.size()));
    if (read_bytes(position.offset(), wanted) < wanted.size()) return std::errc::io_error;
    auto decoded = decode(wanted);
    if (!decoded || decoded->bytes != wanted.size()) return std::errc::bad_message;
    return std::move(decoded->record);
}

bool NameFile::scan(const Tell& tell) const {
    bool is_whole = true;
    bool has_ended = false;
    std::vector<std::byte> chunk(chunk_bytes);
    std::span<const std::byte> rest;
    const auto end = std::min(size_.load(), NamePosition::offset_max);
    for (std::uint64_t offset = 0; offset < end;) {
        if (rest.size() < record_bytes_max && offset + rest.size() < end) {
            const auto wanted = std::min<std::uint64_t>(chunk.size(), end - offset);
            rest = std::span{chunk}.first(
                read_bytes(offset, std::span{chunk}.first(static_cast<std::size_t>(wanted))));
        }
        if (rest.empty()) {
            is_whole = false;
            offset += bytes_per_gap;
            continue;
        }
        std::size_t bytes = record_alignment;
        if (offset == 0) {
            const auto form = std::as_bytes(std::span{head});
            is_whole =
                rest.size() >= form.size() && std::ranges::equal(rest.first(form.size()), form);
        } else if (const auto decoded = decode(rest)) {
            bytes = decoded->bytes;
            has_ended = decoded->record.kind == NameRecord::Kind::end;
            if (!has_ended) tell(NamePosition{number_, offset, bytes}, decoded->record);
        } else if (!is_closed_ && offset + rest.size() == end && is_beginning(rest)) {
            torn_at_ = offset;
            break;
        } else {
            is_whole = false;
        }
        bytes = std::min(bytes, rest.size());
        rest = rest.subspan(bytes);
        offset += bytes;
    }
    return is_whole && end == size_ && end >= head.size() && (has_ended || !is_closed_);
}

void NameFile::cut_torn_end() noexcept {
    const auto end = torn_at_.exchange(0);
    if (end == 0) return;
    // Otherwise, if a shorter record were written there, garbage would follow it.
    if (::ftruncate(descriptor_.number(), static_cast<off_t>(end)) != 0) return mark_damaged();
    size_ = end;
    written_ = end;
}

Result<void> NameFile::rename_to(const std::string& to) const {
    return checked(::renameat(directory_, name().c_str(), directory_, to.c_str()));
}

Result<void> NameFile::open_again() {
    if (auto renamed = rename_to(open_name(number_)); !renamed) return renamed;
    is_closed_ = false;
    return {};
}

Result<void> NameFile::close_in_peace() {
    if (has_unwritten()) return std::errc::no_space_on_device;
    const auto end = encode(NameRecord::Kind::end, 0, {}, {}, {});
    if (auto appended = append(end); !appended) return appended.error();
    if (has_unwritten()) return std::errc::no_space_on_device;
    if (auto renamed = rename_to(closed_name(number_)); !renamed) return renamed;
    is_closed_ = true;
    return {};
}

Result<void> NameFile::remove() const {
    return checked(::unlinkat(directory_, name().c_str(), 0));
}

}  // namespace berth::vfs::posix
