// The byte budgets of READDIR and READDIRPLUS — RFC 1813 §3.3.16, §3.3.17 — over random directories
// and counts.
#include <cstdlib>
#include <random>
#include <set>

#include "tests/nfs/support.hpp"
#include "xdr/codec.hpp"

namespace berth::nfs {
namespace {

class ListingBudgets : public ServiceTest {
protected:
    ListingBudgets() {
        // BERTH_SEED repeats a run.
        const auto* given = std::getenv("BERTH_SEED");  // NOLINT(concurrency-mt-unsafe)
        seed_ = given != nullptr ? std::strtoull(given, nullptr, 0) : std::random_device{}();
        random_.seed(seed_);
    }

    std::uint32_t number(std::uint32_t first, std::uint32_t last) {
        return std::uniform_int_distribution{first, last}(random_);
    }

    /// A directory with names of random lengths; its entries, the dots included.
    std::pair<KeptHandle, std::set<std::string>> random_directory() {
        const auto name = "directory " + std::to_string(++directories_);
        auto directory = make_directory(root(), name);
        std::set<std::string> names{".", ".."};
        const auto count = number(0, 60);
        const auto length_max = number(1, 4) == 1 ? 255U : 12U;
        while (names.size() < count + 2) {
            std::string entry_name(number(1, length_max), 'x');
            for (auto& c : entry_name) c = static_cast<char>(number('a', 'z'));
            if (!names.insert(entry_name).second) continue;
            EXPECT_TRUE(inner(directory)->create(local_root, entry_name, vfs::NewFile{}));
        }
        return {std::move(directory), std::move(names)};
    }

    std::uint64_t seed_ = 0;
    std::mt19937_64 random_;

private:
    int directories_ = 0;
};

template <class Item>
std::size_t entry_bytes(const Item& item) {
    return 4 + xdr::encoded_bytes(item);
}
std::size_t naming_bytes(const auto& item) {
    return 8 + 8 + xdr::encoded_bytes(item.name);
}

/// The next entry after a reply, asked for alone, to see whether there had been room for it.
template <class Procedure>
struct Probe;
template <>
struct Probe<ReadDirectory> {
    static ReadDirectory::Args args(const KeptHandle& directory, std::uint64_t cookie,
                                    const Verifier& verifier, std::uint32_t count,
                                    std::uint32_t /*directory_count*/) {
        return {directory, cookie, verifier, count};
    }
};
template <>
struct Probe<ReadDirectoryPlus> {
    static ReadDirectoryPlus::Args args(const KeptHandle& directory, std::uint64_t cookie,
                                        const Verifier& verifier, std::uint32_t count,
                                        std::uint32_t directory_count) {
        return {directory, cookie, verifier, directory_count, count};
    }
};

class Walk : public ListingBudgets {
protected:
    /// Lists page by page under budgets that change from page to page. Every entry comes exactly
    /// once; no reply is larger than allowed; each holds all that fits; TOOSMALL means that not
    /// even one entry would have.
    template <class Procedure>
    void expect_exact(const KeptHandle& directory, const std::set<std::string>& names) {
        constexpr std::uint32_t plenty = 1U << 20;
        std::set<std::string> met;
        std::uint64_t cookie = 0;
        Verifier verifier{};
        for (bool eof = false; !eof;) {
            const auto whole = succeed<Procedure>(
                Probe<Procedure>::args(directory, cookie, verifier, plenty, plenty));
            std::vector<std::size_t> sizes;
            std::vector<std::size_t> namings;
            for (const auto& item : whole.entries.items) {
                sizes.push_back(entry_bytes(item));
                namings.push_back(naming_bytes(item));
            }
            const auto frame = xdr::encoded_bytes(decltype(whole){
                .attributes = Attributes{}, .verifier = {}, .entries = {}, .eof = false});

            const auto count = number(0, number(1, 3) == 1 ? 400 : 3000);
            const auto directory_count = number(0, 3) == 0 ? number(0, 600) : plenty;
            std::size_t expected = 0;
            std::size_t used = frame;
            std::size_t named = 0;
            for (; expected < sizes.size(); ++expected) {
                if (used + sizes[expected] > count) break;
                const bool is_plus = std::is_same_v<Procedure, ReadDirectoryPlus>;
                if (is_plus && expected > 0 && named + namings[expected] > directory_count) break;
                used += sizes[expected];
                named += namings[expected];
            }

            const auto result = call<Procedure>(
                Probe<Procedure>::args(directory, cookie, verifier, count, directory_count));
            if (used > count || (expected == 0 && !sizes.empty())) {
                ASSERT_EQ(result.status(), Status::too_small) << count;
                continue;  // with another budget
            }
            ASSERT_EQ(result.status(), Status::ok) << count;
            const auto& ok = *result.ok();
            EXPECT_EQ(ok.entries.items.size(), expected) << count << ' ' << directory_count;
            EXPECT_LE(xdr::encoded_bytes(ok), count);
            for (const auto& item : ok.entries.items)
                EXPECT_TRUE(met.insert(std::string{item.name.view()}).second);
            if (!ok.entries.items.empty()) cookie = ok.entries.items.back().cookie;
            verifier = ok.verifier;
            eof = ok.eof;
            EXPECT_EQ(eof, met.size() == names.size());
        }
        EXPECT_EQ(met, names);
    }
};

TEST_F(Walk, over_random_directories_and_counts) {
    SCOPED_TRACE("BERTH_SEED=" + std::to_string(seed_));
    RecordProperty("seed", std::to_string(seed_));
    for (int i = 0; i < 40 && !HasFailure(); ++i) {
        const auto [directory, names] = random_directory();
        expect_exact<ReadDirectory>(directory, names);
        expect_exact<ReadDirectoryPlus>(directory, names);
    }
}

TEST_F(ListingBudgets, at_their_exact_edges) {
    const auto directory = make_directory(root(), "directory");
    // attributes 4 + 84, verifier 8, end of list 4, eof 4
    constexpr std::uint32_t frame = 104;
    // follows 4, fileid 8, length 4, "." padded 4, cookie 8
    constexpr std::uint32_t dot = 28;
    for (std::uint32_t count = 0; count < frame + dot; ++count)
        EXPECT_TRUE(refuse<ReadDirectory>(Status::too_small, {directory, 0, {}, count}).attributes);
    EXPECT_EQ(succeed<ReadDirectory>({directory, 0, {}, frame + dot}).entries.items.size(), 1U);
    EXPECT_EQ(succeed<ReadDirectory>({directory, 0, {}, frame + 2 * dot - 1}).entries.items.size(),
              1U);
    EXPECT_TRUE(succeed<ReadDirectory>({directory, 0, {}, frame + 2 * dot}).eof);

    // attributes 4 + 84, handle 4 + 4 + 30 padded to 32
    constexpr std::uint32_t dot_plus = dot + 88 + 40;
    for (std::uint32_t count = 0; count < frame + dot_plus; ++count)
        EXPECT_TRUE(refuse<ReadDirectoryPlus>(Status::too_small, {directory, 0, {}, count, count})
                        .attributes);
    const auto items = [&](std::uint32_t directory_count, std::uint32_t count) {
        return succeed<ReadDirectoryPlus>({directory, 0, {}, directory_count, count})
            .entries.items.size();
    };
    EXPECT_EQ(items(4096, frame + dot_plus), 1U);
    EXPECT_EQ(items(4096, frame + 2 * dot_plus - 1), 1U);
    EXPECT_EQ(items(4096, frame + 2 * dot_plus), 2U);
    // Of an entry, dircount counts fileid 8, length 4, "." padded 4, cookie 8.
    EXPECT_EQ(items(0, 4096), 1U) << "some clients ask so";
    EXPECT_EQ(items(47, 4096), 1U);
    EXPECT_EQ(items(48, 4096), 2U);
}

TEST_F(ListingBudgets, that_are_too_small_at_the_end_of_a_directory) {
    // Nothing is left, so nothing has to fit but the frame.
    const auto whole = succeed<ReadDirectory>({root(), 0, {}, 4096});
    const auto cookie = whole.entries.items.back().cookie;
    const auto verifier = whole.verifier;
    EXPECT_TRUE(succeed<ReadDirectory>({root(), cookie, verifier, 104}).eof);
    refuse<ReadDirectory>(Status::too_small, {root(), cookie, verifier, 103});
}

}  // namespace
}  // namespace berth::nfs
