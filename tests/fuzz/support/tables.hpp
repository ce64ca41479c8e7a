// The tables of the oracle (tests/spec) as fuzz targets use them: every wire type there is.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "tests/spec/tables.hpp"

namespace berth::fuzz {

inline std::span<const spec::Specification> specifications() {
    static const std::array all{spec::zoo(),    spec::messages(), spec::nfs3(),    spec::mount1(),
                                spec::mount3(), spec::portmap2(), spec::rpcbind(), spec::nlm4(),
                                spec::nlm3(),   spec::nsm()};
    return all;
}

/// The procedure's line, or null for one that no RFC names (the null procedures of rpcbind).
inline const spec::ProcedureLine* procedure(std::uint32_t program, std::uint32_t version,
                                            std::uint32_t number) {
    const auto of = [&]() -> spec::Specification {
        if (program == 100003) return spec::nfs3();
        if (program == 100021) return version == 4 ? spec::nlm4() : spec::nlm3();
        if (program == 100024) return spec::nsm();
        if (program == 100005) return version == 3 ? spec::mount3() : spec::mount1();
        return version == 2 ? spec::portmap2() : spec::rpcbind();
    }();
    for (const auto& line : of.procedures)
        if (line.id.number == number) return &line;
    return nullptr;
}

}  // namespace berth::fuzz
