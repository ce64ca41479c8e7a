#include "nfs/vfs/posix/node/name_order.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <limits>
#include <utility>

#include <sodium/crypto_shorthash_siphash24.h>

namespace berth::vfs::posix {
namespace {

// How many entries of one directory are kept: enough for several of the largest replies.
constexpr std::size_t entries_max = 16'384;

// "." and ".." come first.
constexpr std::uint64_t own_cookie = 1;
constexpr std::uint64_t parent_cookie = 2;
constexpr std::uint64_t first_cookie = 3;

/// A share of the memory for all kept windows.
class Share {
public:
    explicit Share(std::size_t bytes) : bytes_(bytes) {
        is_granted_ = taken().fetch_add(bytes) + bytes <= bytes_max;
    }
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;
    ~Share() { taken().fetch_sub(bytes_); }
    [[nodiscard]] bool is_granted() const noexcept { return is_granted_; }

private:
    static constexpr std::size_t bytes_max = std::size_t{32} << 20;
    static std::atomic<std::size_t>& taken() {
        static std::atomic<std::size_t> by_all{0};
        return by_all;
    }

    std::size_t bytes_;
    bool is_granted_ = false;
};

}  // namespace

struct NameOrder::Window {
    std::uint64_t from = 0;  // all entries after this cookie
    std::uint64_t begun = 0;
    bool reaches_end = true;  // otherwise only up to the last one here
    std::vector<Entry> entries;
    std::unique_ptr<Share> share;

    [[nodiscard]] bool answers(std::uint64_t cookie) const {
        return cookie >= from &&
               (reaches_end || (!entries.empty() && cookie < entries.back().cookie));
    }
    [[nodiscard]] std::size_t bytes() const {
        std::size_t all = entries.capacity() * sizeof(Entry);
        for (const auto& entry : entries) all += entry.name.capacity();
        return all;
    }
};

std::uint64_t NameOrder::cookie_of(std::string_view name) {
    if (name == ".") return own_cookie;
    if (name == "..") return parent_cookie;
    // Cookies must be the same after every start, so the key is not secret.
    constexpr std::array<unsigned char, crypto_shorthash_siphash24_KEYBYTES> no_key{};
    std::array<unsigned char, crypto_shorthash_siphash24_BYTES> hash{};
    crypto_shorthash_siphash24(hash.data(), reinterpret_cast<const unsigned char*>(name.data()),
                               name.size(), no_key.data());
    std::uint64_t number = 0;
    for (const auto byte : hash) number = number << 8 | byte;
    constexpr std::uint64_t last_cookie = std::numeric_limits<std::int64_t>::max();
    return std::max(number & last_cookie, first_cookie);
}

Result<bool> NameOrder::list(std::uint64_t cookie, const VisitAll& visit_all,
                             const TakeEntry& take) {
    for (auto at = cookie;;) {
        auto window = kept_for(at);
        if (!window) {
            auto looked = look(at, visit_all);
            if (!looked) return looked.error();
            window = std::move(*looked);
        }
        const auto& entries = window->entries;
        for (auto next = std::ranges::upper_bound(entries, at, {}, &Entry::cookie);
             next != entries.end(); ++next) {
            if (!take({.fileid = next->fileid, .name = next->name, .cookie = next->cookie})) {
                return false;
            }
        }
        if (window->reaches_end) return true;
        at = entries.back().cookie;
    }
}

void NameOrder::drop_idle() {
    WindowPtr dropped;
    auto kept = kept_.synchronize();
    if (!std::exchange(kept->used, false)) dropped.swap(kept->window);
}

NameOrder::WindowPtr NameOrder::kept_for(std::uint64_t cookie) {
    auto kept = kept_.synchronize();
    kept->used = true;
    const auto& window = kept->window;
    if (cookie == 0 || !window || window->begun != kept->begun || !window->answers(cookie))
        return nullptr;
    return window;
}

std::uint64_t NameOrder::begin(std::uint64_t cookie) {
    auto kept = kept_.synchronize();
    if (cookie == 0) ++kept->begun;
    return kept->begun;
}

Result<NameOrder::WindowPtr> NameOrder::look(std::uint64_t cookie, const VisitAll& visit_all) {
    const auto window = std::make_shared<Window>();
    window->from = cookie;
    window->begun = begin(cookie);
    auto& entries = window->entries;
    const auto comes_before = [](const Entry& one, const Entry& other) {
        return std::pair{one.cookie, std::string_view{one.name}} <
               std::pair{other.cookie, std::string_view{other.name}};
    };
    auto seen = visit_all([&](const DirectoryEntry& entry) {
        Entry found{.cookie = cookie_of(entry.name), .fileid = entry.fileid, .name = {}};
        if (found.cookie <= cookie) return true;
        if (entries.size() == entries_max) {
            window->reaches_end = false;
            if (found.cookie >= entries.front().cookie) return true;
            // The front of the heap is the last in order.
            std::ranges::pop_heap(entries, comes_before);
            entries.pop_back();
        }
        found.name = entry.name;
        entries.push_back(std::move(found));
        std::ranges::push_heap(entries, comes_before);
        return true;
    });
    if (!seen) return seen.error();
    std::ranges::sort_heap(entries, comes_before);
    // Union file systems may show an entry once for each directory that they overlay.
    const auto is_same = [](const Entry& one, const Entry& other) {
        return one.name == other.name;
    };
    entries.erase(std::unique(entries.begin(), entries.end(), is_same), entries.end());

    window->share = std::make_unique<Share>(window->bytes());
    if (window->share->is_granted()) {
        WindowPtr replaced = window;
        auto kept = kept_.synchronize();
        if (window->begun == kept->begun) kept->window.swap(replaced);
    }
    return WindowPtr{window};
}

}  // namespace berth::vfs::posix
