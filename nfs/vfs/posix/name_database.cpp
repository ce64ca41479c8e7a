#include "nfs/vfs/posix/name_database.hpp"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include <lmdb.h>

#include "nfs/vfs/posix/system.hpp"

namespace berth::vfs::posix {
namespace {

// Half-full pages of the longest names there can be.
constexpr std::size_t bytes_per_name = 1024;
// A change can take three pages, until the transaction after the next.
constexpr std::size_t changes_at_once = std::size_t{1} << 14;
constexpr std::size_t bytes_to_work_in = std::size_t{512} << 20;
constexpr unsigned readers_max = 1024;

MDB_val value_of(std::span<const std::byte> bytes) {
    return {bytes.size(), const_cast<std::byte*>(bytes.data())};
}
MDB_val value_of(const std::uint64_t& number) {
    return value_of(std::as_bytes(std::span{&number, 1}));
}
std::span<const std::byte> bytes_of(const MDB_val& value) {
    return {static_cast<const std::byte*>(value.mv_data), value.mv_size};
}
std::uint64_t number_of(const MDB_val& value) {
    std::uint64_t number = 0;
    std::memcpy(&number, value.mv_data, std::min(value.mv_size, sizeof number));
    return number;
}
ObjectId id_of(const MDB_val& value) {
    const auto bytes = bytes_of(value);
    return ObjectId{bytes.first(std::min(bytes.size(), ObjectId::bytes_max))};
}

// A place as it is kept: the number of the put, the size of the directory's id, the id, the name.
std::vector<std::byte> record_of(std::uint64_t number, const Place& place) {
    const auto numbered = std::as_bytes(std::span{&number, 1});
    std::vector<std::byte> record{numbered.begin(), numbered.end()};
    record.push_back(static_cast<std::byte>(place.directory.bytes().size()));
    const auto name = std::as_bytes(std::span{place.name});
    for (const auto part : {place.directory.bytes(), name})
        record.insert(record.end(), part.begin(), part.end());
    return record;
}

struct Record {
    std::uint64_t number = 0;
    Place place;
};

std::optional<Record> read_record(const MDB_val& value) {
    const auto bytes = bytes_of(value);
    Record record;
    if (bytes.size() <= sizeof record.number) return std::nullopt;
    std::memcpy(&record.number, bytes.data(), sizeof record.number);
    const auto rest = bytes.subspan(sizeof record.number);
    const auto id_size = std::to_integer<std::size_t>(rest.front());
    if (id_size > ObjectId::bytes_max || rest.size() < 1 + id_size) return std::nullopt;
    record.place.directory = ObjectId{rest.subspan(1, id_size)};
    const auto name = rest.subspan(1 + id_size);
    record.place.name.assign(reinterpret_cast<const char*>(name.data()), name.size());
    return record;
}

std::errc error_of(int code) {
    if (code > 0) return static_cast<std::errc>(code);
    switch (code) {
    case MDB_MAP_FULL: return std::errc::no_space_on_device;
    case MDB_INVALID:
    case MDB_CORRUPTED:
    case MDB_VERSION_MISMATCH:
    case MDB_PAGE_NOTFOUND:
    case MDB_INCOMPATIBLE: return std::errc::bad_message;
    default: return std::errc::io_error;
    }
}

}  // namespace

void NameDatabase::Close::operator()(MDB_env* environment) const noexcept {
    ::mdb_env_close(environment);
}

// Ends without effect unless committed. Its functions give LMDB's codes.
class NameDatabase::Transaction {
public:
    Transaction(MDB_env* environment, unsigned flags)
        : code_(::mdb_txn_begin(environment, nullptr, flags, &transaction_)) {}
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;
    ~Transaction() {
        if (transaction_ != nullptr) ::mdb_txn_abort(transaction_);
    }

    /// How it began.
    [[nodiscard]] int code() const noexcept { return code_; }
    [[nodiscard]] MDB_txn* get() const noexcept { return transaction_; }
    [[nodiscard]] int commit() noexcept {
        return ::mdb_txn_commit(std::exchange(transaction_, nullptr));
    }

    [[nodiscard]] std::optional<Record> find(unsigned table, const ObjectId& id) const {
        auto key = value_of(id.bytes());
        MDB_val value{};
        if (::mdb_get(transaction_, table, &key, &value) != 0) return std::nullopt;
        return read_record(value);
    }
    int put(unsigned table, MDB_val key, MDB_val value) {
        return ::mdb_put(transaction_, table, &key, &value, 0);
    }
    int erase(unsigned table, MDB_val key) {
        const int code = ::mdb_del(transaction_, table, &key, nullptr);
        return code == MDB_NOTFOUND ? 0 : code;
    }
    /// The first or last of a table; MDB_NOTFOUND when it is empty.
    int end(unsigned table, MDB_cursor_op which, MDB_val& key, MDB_val& value) const {
        MDB_cursor* cursor = nullptr;
        if (const int code = ::mdb_cursor_open(transaction_, table, &cursor); code != 0)
            return code;
        const int code = ::mdb_cursor_get(cursor, &key, &value, which);
        ::mdb_cursor_close(cursor);
        return code;
    }
    [[nodiscard]] std::size_t size(unsigned table) const {
        MDB_stat figures{};
        ::mdb_stat(transaction_, table, &figures);
        return figures.ms_entries;
    }

    std::uint64_t next_number = 0;

private:
    MDB_txn* transaction_ = nullptr;
    int code_ = 0;
};

Result<std::unique_ptr<NameDatabase>> NameDatabase::open(const std::filesystem::path& directory,
                                                         std::size_t names_max) {
    MDB_env* environment = nullptr;
    int code = ::mdb_env_create(&environment);
    if (code != 0) return error_of(code);
    std::unique_ptr<NameDatabase> database{
        new NameDatabase{std::unique_ptr<MDB_env, Close>{environment}, names_max}};
    code = database->open_files(directory);
    if (code == 0) code = database->open_tables();
    if (code != 0) return error_of(code);
    return database;
}

int NameDatabase::open_files(const std::filesystem::path& directory) {
    auto* const environment = environment_.get();
    int code = ::mdb_env_set_maxdbs(environment, 2);
    if (code == 0) code = ::mdb_env_set_maxreaders(environment, readers_max);
    if (code == 0)
        code = ::mdb_env_set_mapsize(environment, bytes_to_work_in + names_max_ * bytes_per_name);
    if (code == 0) code = ::mdb_env_open(environment, directory.c_str(), MDB_NORDAHEAD, 0600);
    return code;
}

int NameDatabase::open_tables() {
    Transaction transaction{environment_.get(), 0};
    int code = transaction.code();
    if (code == 0) code = ::mdb_dbi_open(transaction.get(), "places", MDB_CREATE, &places_);
    if (code == 0)
        code = ::mdb_dbi_open(transaction.get(), "ages", MDB_CREATE | MDB_INTEGERKEY, &ages_);
    if (code != 0) return code;
    MDB_val newest{};
    MDB_val id{};
    if (transaction.end(ages_, MDB_LAST, newest, id) == 0) next_number_ = number_of(newest) + 1;
    return transaction.commit();
}

std::optional<NameDatabase::Found> NameDatabase::find(const ObjectId& id) const {
    const Transaction transaction{environment_.get(), MDB_RDONLY};
    if (transaction.code() != 0) return std::nullopt;
    auto record = transaction.find(places_, id);
    if (!record) return std::nullopt;
    return Found{std::move(record->place), is_old(record->number, next_number_)};
}

Result<std::size_t> NameDatabase::apply(std::span<const Change> changes) {
    std::size_t forgotten = 0;
    while (!changes.empty()) {
        const auto count = std::min(changes.size(), changes_at_once);
        if (const int code = apply_once(changes.first(count), forgotten); code != 0)
            return error_of(code);
        changes = changes.subspan(count);
    }
    return forgotten;
}

int NameDatabase::apply_once(std::span<const Change> changes, std::size_t& forgotten) {
    Transaction transaction{environment_.get(), 0};
    transaction.next_number = next_number_;
    int code = transaction.code();
    for (auto next = changes.begin(); code == 0 && next != changes.end(); ++next)
        code = change(transaction, *next);
    if (code == 0) code = forget_oldest(transaction, forgotten);
    const auto next_number = transaction.next_number;
    if (code == 0) code = transaction.commit();
    if (code == 0) next_number_ = next_number;
    return code;
}

int NameDatabase::change(Transaction& transaction, const Change& change) const {
    const auto& [id, place] = change;
    int code = 0;
    if (const auto former = transaction.find(places_, id))
        code = transaction.erase(ages_, value_of(former->number));
    if (code != 0) return code;
    if (!place) return transaction.erase(places_, value_of(id.bytes()));
    code = put(transaction, id, *place);
    // What leads to it must not be forgotten before it.
    auto above = place->directory;
    for (auto record = transaction.find(places_, above);
         code == 0 && record && is_old(record->number, transaction.next_number);
         record = transaction.find(places_, above)) {
        code = transaction.erase(ages_, value_of(record->number));
        if (code == 0) code = put(transaction, above, record->place);
        above = record->place.directory;
    }
    return code;
}

int NameDatabase::put(Transaction& transaction, const ObjectId& id, const Place& place) const {
    const auto number = transaction.next_number++;
    const auto record = record_of(number, place);
    const int code = transaction.put(places_, value_of(id.bytes()), value_of(record));
    return code != 0 ? code : transaction.put(ages_, value_of(number), value_of(id.bytes()));
}

int NameDatabase::forget_oldest(Transaction& transaction, std::size_t& forgotten) const {
    for (auto count = transaction.size(ages_); count > names_max_; --count) {
        MDB_val oldest{};
        MDB_val value{};
        int code = transaction.end(ages_, MDB_FIRST, oldest, value);
        const auto number = code == 0 ? number_of(oldest) : 0;
        const auto id = code == 0 ? id_of(value) : ObjectId{};
        if (code == 0) code = transaction.erase(places_, value_of(id.bytes()));
        if (code == 0) code = transaction.erase(ages_, value_of(number));
        if (code != 0) return code;
        ++forgotten;
    }
    return 0;
}

std::size_t NameDatabase::size() const {
    const Transaction transaction{environment_.get(), MDB_RDONLY};
    return transaction.code() == 0 ? transaction.size(places_) : 0;
}

}  // namespace berth::vfs::posix
