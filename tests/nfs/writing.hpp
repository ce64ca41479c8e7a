// For the tests of WRITE and COMMIT.
#pragma once

#include <cstdint>
#include <limits>
#include <string_view>

#include "tests/nfs/support.hpp"

namespace berth::nfs {

/// The last byte that a file can have ends here, as Linux counts.
inline constexpr std::uint64_t end_max = std::numeric_limits<std::int64_t>::max();

class WritingTest : public ServiceTest {
protected:
    const KeptHandle file_ = make_file(root(), "file", "0123456789");

    static Write::Args write_args(const KeptHandle& file, std::uint64_t offset,
                                  std::string_view data, Stable stable = Stable::unstable) {
        return {.file = file,
                .offset = offset,
                .count = static_cast<std::uint32_t>(data.size()),
                .stable = stable,
                .data = data_of(data)};
    }
    Verifier verifier_of_commit() { return succeed<Commit>({file_}).verifier; }
};

}  // namespace berth::nfs
