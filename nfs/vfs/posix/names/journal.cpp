#include "nfs/vfs/posix/names/journal.hpp"

#include <array>
#include <cstring>
#include <utility>
#include <vector>

#include <sodium.h>

namespace berth::vfs::posix {
namespace {

// A part of the hash of a tree's name identifies the tree in the journal.
std::uint64_t number_of(std::string_view tree) {
    std::array<unsigned char, crypto_generichash_BYTES_MIN> hash{};
    crypto_generichash(hash.data(), hash.size(),
                       reinterpret_cast<const unsigned char*>(tree.data()), tree.size(), nullptr,
                       0);
    std::uint64_t number = 0;
    std::memcpy(&number, hash.data(), sizeof number);
    return number;
}

class NamesInJournal final : public NameStore {
public:
    NamesInJournal(std::shared_ptr<NameLog> log, std::uint64_t tree)
        : log_(std::move(log)),
          tree_(tree) {}

    std::vector<Place> find(const ObjectId& id) override { return log_->find(tree_, id); }
    void put(const ObjectId& id, const ObjectId& directory, std::string_view name) override {
        log_->put(tree_, id, directory, name);
    }
    bool put_at_once(const ObjectId& id, const ObjectId& directory,
                     std::string_view name) override {
        return log_->put_at_once(tree_, id, directory, name);
    }
    void erase(const ObjectId& id, const ObjectId& directory, std::string_view name) override {
        log_->erase(tree_, id, directory, name);
    }
    Result<void> synchronize() override { return log_->synchronize(); }
    [[nodiscard]] std::string describe() const override {
        return "names kept in the journal " + log_->directory().string();
    }
    [[nodiscard]] bool survives_restart() const override { return true; }
    [[nodiscard]] std::optional<std::string> trouble() override { return log_->trouble(); }

private:
    const std::shared_ptr<NameLog> log_;
    const std::uint64_t tree_;
};

}  // namespace

Result<std::unique_ptr<NameStore>> NameJournal::names_of(std::string_view tree) {
    auto log = log_.synchronize();
    if (!*log) {
        auto opened = NameLog::open(directory_, options_);
        if (!opened) return opened.error();
        *log = std::move(*opened);
    }
    return std::make_unique<NamesInJournal>(*log, number_of(tree));
}

void NameJournal::release() noexcept {
    auto log = log_.try_to_synchronize();
    if (log.owns_lock() && *log) (*log)->release();
}

}  // namespace berth::vfs::posix
