// The one journal of names that all trees of a server share; it is opened when the first tree needs
// it.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <boost/filesystem/operations.hpp>
#include <boost/filesystem/path.hpp>
#include <boost/thread/synchronized_value.hpp>

#include "nfs/vfs/posix/names/log.hpp"
#include "nfs/vfs/posix/names/store.hpp"
#include "nfs/vfs/result.hpp"

namespace berth::vfs::posix {

/// Any thread.
class NameJournal {
public:
    NameJournal(boost::filesystem::path directory, NameLogOptions options)
        : directory_(std::move(directory)),
          options_(std::move(options)) {}

    /// The names of one tree's objects. `tree` is the same after a restart and unique among the
    /// trees. For threads that act as the server. device_or_resource_busy: another process uses the
    /// journal.
    Result<std::unique_ptr<NameStore>> names_of(std::string_view tree);

    /// Lets another process use the journal although this one still has it open. At the end of the
    /// process, which may not get as far as closing it. Waits for nobody.
    void release() noexcept;

    [[nodiscard]] const boost::filesystem::path& directory() const noexcept { return directory_; }

private:
    const boost::filesystem::path directory_;
    const NameLogOptions options_;
    boost::synchronized_value<std::shared_ptr<NameLog>, std::mutex> log_;
};

}  // namespace berth::vfs::posix
