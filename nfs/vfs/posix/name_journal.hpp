// The one journal of names that all trees of a server share, opened when the first tree needs it.
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "nfs/vfs/posix/name_log.hpp"
#include "nfs/vfs/posix/name_store.hpp"
#include "nfs/vfs/result.hpp"

namespace berth::vfs::posix {

/// Any thread.
class NameJournal {
public:
    explicit NameJournal(std::filesystem::path directory, NameLogOptions options = {})
        : directory_(std::move(directory)),
          options_(std::move(options)) {}

    /// The names of one tree's objects. `tree`: the same after a restart, and no other tree's. For
    /// threads that act as the server. device_or_resource_busy: another process uses the journal.
    Result<std::unique_ptr<NameStore>> names_of(std::string_view tree);

    [[nodiscard]] const std::filesystem::path& directory() const noexcept { return directory_; }

private:
    const std::filesystem::path directory_;
    const NameLogOptions options_;
    std::mutex lock_;
    std::shared_ptr<NameLog> log_;
};

}  // namespace berth::vfs::posix
