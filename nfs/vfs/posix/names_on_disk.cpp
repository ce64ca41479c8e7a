#include "nfs/vfs/posix/names_on_disk.hpp"

#include <array>
#include <chrono>
#include <cstring>
#include <span>
#include <system_error>
#include <utility>

#include <sys/stat.h>

#include <sodium.h>

#include "nfs/vfs/posix/system.hpp"

namespace berth::vfs::posix {
namespace {

constexpr std::size_t known_max = std::size_t{1} << 16;
// Changes that wait for the database: with so many it is time, with so many more calls wait too.
constexpr std::size_t pending_enough = std::size_t{1} << 15;
constexpr std::size_t pending_max = std::size_t{1} << 19;
constexpr std::chrono::milliseconds between_commits{100};
constexpr std::chrono::seconds after_failure{1};

std::string text_of(std::errc error) {
    return std::make_error_code(error).message();
}

std::uint64_t fingerprint_of(const ObjectId& id, const ObjectId& directory, std::string_view name) {
    // Clients choose names, so which of them look alike must be nobody's to know.
    static const auto key = [] {
        std::array<unsigned char, crypto_shorthash_KEYBYTES> fresh{};
        crypto_shorthash_keygen(fresh.data());
        return fresh;
    }();
    std::array<unsigned char, 2 * (ObjectId::bytes_max + 1) + 256> bytes;
    std::size_t size = 0;
    const auto add = [&](std::span<const std::byte> part) {
        bytes[size++] = static_cast<unsigned char>(part.size());
        if (!part.empty()) std::memcpy(bytes.data() + size, part.data(), part.size());
        size += part.size();
    };
    add(id.bytes());
    add(directory.bytes());
    add(std::as_bytes(std::span{name.substr(0, 255)}));
    std::uint64_t fingerprint = 0;
    crypto_shorthash(reinterpret_cast<unsigned char*>(&fingerprint), bytes.data(), size,
                     key.data());
    return fingerprint;
}

// What files are called is nobody else's business. Each level that is missing is made.
Result<void> make_private(const std::filesystem::path& directory) {
    std::error_code ignored;
    const auto above = directory.parent_path();
    if (!above.empty() && !std::filesystem::exists(above, ignored)) {
        if (auto made = make_private(above); !made) return made;
    }
    if (::mkdir(directory.c_str(), S_IRWXU) != 0 && errno != EEXIST) return last_error();
    std::filesystem::permissions(directory, std::filesystem::perms::owner_all, ignored);
    return {};
}

// The damaged files stay for whoever wants to look at them, until the next ones are damaged.
Result<std::unique_ptr<NameDatabase>> begin_anew(const std::filesystem::path& directory,
                                                 std::size_t names_max) {
    std::error_code error;
    std::filesystem::rename(directory / "data.mdb", directory / "damaged.mdb", error);
    if (error) return static_cast<std::errc>(error.value());
    return NameDatabase::open(directory, names_max);
}

}  // namespace

Result<std::unique_ptr<NamesOnDisk>> NamesOnDisk::open(const std::filesystem::path& directory,
                                                       std::size_t names_max) {
    if (const auto made = make_private(directory); !made) return made.error();
    auto log = RecentLog::open(directory);
    if (!log) return log.error();
    auto database = NameDatabase::open(directory, names_max);
    const bool is_damaged = !database && database.error() == std::errc::bad_message;
    if (is_damaged) database = begin_anew(directory, names_max);
    if (!database) return database.error();

    std::vector<NameDatabase::Change> recent;
    const auto told = log->replay([&](const ObjectId& id, std::optional<Place> place) {
        recent.emplace_back(id, std::move(place));
    });
    if (!told) return told.error();
    if (!recent.empty()) {
        if (const auto applied = (*database)->apply(recent); !applied) return applied.error();
    }
    if (const auto forgotten = log->forget_all(); !forgotten) return forgotten.error();
    return std::unique_ptr<NamesOnDisk>{
        new NamesOnDisk{directory, std::move(*log), std::move(*database), is_damaged}};
}

NamesOnDisk::NamesOnDisk(std::filesystem::path directory, RecentLog log,
                         std::unique_ptr<NameDatabase> database, bool is_begun_anew)
    : directory_(std::move(directory)),
      database_(std::move(database)),
      is_begun_anew_(is_begun_anew),
      log_(std::move(log)),
      known_(known_max),
      thread_([this] { run(); }) {}

NamesOnDisk::~NamesOnDisk() {
    {
        const std::scoped_lock held{lock_};
        stopping_ = true;
    }
    changed_.notify_all();
    thread_.join();
}

std::vector<Place> NamesOnDisk::find(const ObjectId& id) {
    {
        const std::scoped_lock held{lock_};
        if (const auto* recent = find_recent(id))
            return *recent ? std::vector{**recent} : std::vector<Place>{};
    }
    auto found = database_->find(id);
    if (!found) return {};
    if (found->is_old) {
        // To be put again, which need not be in the log: it is known already.
        const std::scoped_lock held{lock_};
        if (find_recent(id) == nullptr) pending_.emplace(id, found->place);
        changed_.notify_all();
    }
    return {std::move(found->place)};
}

void NamesOnDisk::put(const ObjectId& id, const ObjectId& directory, std::string_view name) {
    const auto fingerprint = fingerprint_of(id, directory, name);
    std::unique_lock held{lock_};
    if (known(id) == fingerprint) return;
    const auto now = find_now(id);
    if (!now || !(now->directory == directory) || now->name != name) {
        changed_.wait(held, [this] { return pending_.size() < pending_max || failed_; });
        if (pending_.size() >= pending_max) return;  // nothing can be kept, and it has been said
        change(id, Place{directory, std::string{name}});
    }
    known(id) = fingerprint;
}

bool NamesOnDisk::put_at_once(const ObjectId& id, const ObjectId& directory,
                              std::string_view name) {
    return known(id) == fingerprint_of(id, directory, name);
}

void NamesOnDisk::erase(const ObjectId& id, const ObjectId& directory, std::string_view name) {
    const std::scoped_lock held{lock_};
    const auto now = find_now(id);
    if (!now || !(now->directory == directory) || now->name != name) return;
    change(id, std::nullopt);
    known(id) = 0;
}

// Of what the database does not hold yet.
const std::optional<Place>* NamesOnDisk::find_recent(const ObjectId& id) const {
    for (const auto* changes : {&pending_, &committing_}) {
        if (const auto found = changes->find(id); found != changes->end()) return &found->second;
    }
    return nullptr;
}

std::optional<Place> NamesOnDisk::find_now(const ObjectId& id) const {
    if (const auto* recent = find_recent(id)) return *recent;
    auto found = database_->find(id);
    if (!found || found->is_old) return std::nullopt;  // what is old may well be put again
    return std::move(found->place);
}

void NamesOnDisk::change(const ObjectId& id, std::optional<Place> place) {
    if (const auto appended = log_.append(id, place); !appended)
        note("names can't be written (" + text_of(appended.error()) + ")");
    pending_.insert_or_assign(id, std::move(place));
    if (pending_.size() == 1 || pending_.size() == pending_enough) changed_.notify_all();
}

std::atomic<std::uint64_t>& NamesOnDisk::known(const ObjectId& id) {
    return known_[IdHash{}(id) % known_max];
}

void NamesOnDisk::run() {
    std::unique_lock held{lock_};
    while (!stopping_ || !pending_.empty()) {
        changed_.wait(held, [this] { return stopping_ || hurry_ || !pending_.empty(); });
        changed_.wait_for(held, failed_ ? after_failure : between_commits, [this] {
            return stopping_ || hurry_ || (!failed_ && pending_.size() >= pending_enough);
        });
        hurry_ = false;
        commit_once(held);
        if (stopping_ && failed_) return;
    }
}

void NamesOnDisk::commit_once(std::unique_lock<std::mutex>& held) {
    ++commits_;
    committing_.swap(pending_);
    log_.turn();
    held.unlock();
    std::vector<NameDatabase::Change> changes;
    changes.reserve(committing_.size());
    for (const auto& [id, place] : committing_) changes.emplace_back(id, place);
    const auto applied = database_->apply(changes);
    held.lock();
    failed_ = !applied;
    if (failed_) {
        note("names can't be committed (" + text_of(applied.error()) + ")");
        pending_.merge(committing_);
    } else {
        // What was forgotten is to be put again when it is seen again.
        if (*applied > 0)
            for (auto& one : known_) one = 0;
        if (const auto forgotten = log_.forget_older(); !forgotten)
            note("the log can't be emptied (" + text_of(forgotten.error()) + ")");
    }
    committing_.clear();
    commits_ended_ = commits_;
    changed_.notify_all();
}

bool NamesOnDisk::commit() {
    std::unique_lock held{lock_};
    // One that is under way may have begun before the last change.
    const auto wanted = commits_ + 1;
    hurry_ = true;
    changed_.notify_all();
    changed_.wait(held, [&] { return commits_ended_ >= wanted; });
    return !failed_;
}

void NamesOnDisk::note(std::string trouble) {
    trouble_ = "the journal " + directory_.string() + ": " + std::move(trouble) +
               ": after a restart some file handles may be stale";
}

std::optional<std::string> NamesOnDisk::trouble() {
    const std::scoped_lock held{lock_};
    return std::exchange(trouble_, std::nullopt);
}

std::string NamesOnDisk::describe() const {
    return "names kept in the journal " + directory_.string() + ", which survives a restart" +
           (is_begun_anew_ ? "; it was damaged and has been begun anew: clients must mount again"
                           : "");
}

}  // namespace berth::vfs::posix
