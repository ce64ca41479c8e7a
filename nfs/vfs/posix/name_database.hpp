// The journal's database of places: an LMDB environment of two tables, one of what is known of each
// object, and one of the objects by when they were last put, so that the oldest can be forgotten.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "nfs/vfs/posix/name_store.hpp"
#include "nfs/vfs/result.hpp"

struct MDB_env;

namespace berth::vfs::posix {

/// One thread may change it while any number read it.
class NameDatabase {
public:
    /// `names_max`: objects kept, at most; the files take at most 1 KiB for each, and 512 MiB to
    /// work in, as a rule 200 bytes for each.
    /// bad_message: the files are no such database.
    static Result<std::unique_ptr<NameDatabase>> open(const std::filesystem::path& directory,
                                                      std::size_t names_max);

    struct Found {
        Place place;
        /// So many others have been put since that it must be put again if it is to be kept.
        bool is_old = false;
    };
    [[nodiscard]] std::optional<Found> find(const ObjectId& id) const;

    using Change = std::pair<ObjectId, std::optional<Place>>;
    /// Makes the changes; they are on disk when it returns. A directory that is in use by what is
    /// put becomes as young as that. Says how many of the oldest were forgotten. After a failure
    /// some of the changes may have been made.
    Result<std::size_t> apply(std::span<const Change> changes);

    [[nodiscard]] std::size_t size() const;

private:
    struct Close {
        void operator()(MDB_env* environment) const noexcept;
    };
    class Transaction;

    NameDatabase(std::unique_ptr<MDB_env, Close> environment, std::size_t names_max)
        : environment_(std::move(environment)),
          names_max_(names_max) {}

    // Codes of LMDB's:
    int open_files(const std::filesystem::path& directory);
    int open_tables();
    int apply_once(std::span<const Change> changes, std::size_t& forgotten);
    int change(Transaction& transaction, const Change& change) const;
    int put(Transaction& transaction, const ObjectId& id, const Place& place) const;
    int forget_oldest(Transaction& transaction, std::size_t& forgotten) const;

    [[nodiscard]] bool is_old(std::uint64_t number, std::uint64_t next) const noexcept {
        return number + names_max_ / 2 < next;
    }

    const std::unique_ptr<MDB_env, Close> environment_;
    const std::size_t names_max_;
    unsigned places_ = 0;
    unsigned ages_ = 0;
    std::atomic<std::uint64_t> next_number_{1};  // of a put
};

}  // namespace berth::vfs::posix
