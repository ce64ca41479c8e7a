// For the tests of READDIR and READDIRPLUS.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tests/nfs/support.hpp"

namespace berth::nfs {

inline constexpr std::uint32_t plenty = 1U << 20;

class Listing : public ServiceTest {
protected:
    struct Page {
        std::vector<std::string> names;
        std::vector<std::uint64_t> cookies;
        Verifier verifier{};
        bool eof = false;
    };
    Page list(const KeptHandle& directory, std::uint64_t cookie = 0, const Verifier& verifier = {},
              std::uint32_t count = plenty) {
        const auto ok = succeed<ReadDirectory>({directory, cookie, verifier, count});
        return page_of(ok);
    }
    Page list_plus(const KeptHandle& directory, std::uint64_t cookie = 0,
                   const Verifier& verifier = {}, std::uint32_t count = plenty) {
        const auto ok = succeed<ReadDirectoryPlus>({directory, cookie, verifier, count, count});
        return page_of(ok);
    }
    ReadDirectoryPlus::Item item(const KeptHandle& directory, std::string_view name) {
        const auto ok = succeed<ReadDirectoryPlus>({directory, 0, {}, plenty, plenty});
        const auto found =
            std::ranges::find_if(ok.entries.items, [&](const ReadDirectoryPlus::Item& candidate) {
                return candidate.name.view() == name;
            });
        EXPECT_NE(found, ok.entries.items.end()) << name;
        return *found;
    }

private:
    template <class Ok>
    static Page page_of(const Ok& ok) {
        Page page{.verifier = ok.verifier, .eof = ok.eof};
        EXPECT_TRUE(ok.attributes);
        for (const auto& entry : ok.entries.items) {
            page.names.emplace_back(entry.name.view());
            page.cookies.push_back(entry.cookie);
        }
        return page;
    }
};

}  // namespace berth::nfs
