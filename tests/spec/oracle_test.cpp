// The C++ half of the oracle: every type, procedure and constant that an RFC names is one of ours,
// or there is a reason why not; and ours decode what the RFC's encode to, encode it to the same
// bytes, and refuse what it forbids. See README.md.
#include <map>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "mount/service.hpp"
#include "nfs/service.hpp"
#include "nlm/programs.hpp"
#include "portmap/programs.hpp"
#include "tests/spec/tables.hpp"
#include "tests/spec/vectors.hpp"

namespace berth::spec {
namespace {

std::vector<Specification> specifications() {
    return {zoo(),      messages(), nfs3(), mount1(), mount3(),
            portmap2(), rpcbind(),  nlm4(), nlm3(),   nsm()};
}

/// Something of ours that takes values of a type of the RFC: a line for a type, or one end of a
/// procedure.
struct Taker {
    std::string label;
    std::string type;
    Codec codec = nullptr;
    bool is_unbounded = false;
};

class Oracle : public testing::TestWithParam<Specification> {
protected:
    Oracle() {
        for (const auto& line : GetParam().types)
            takers_.push_back({std::string{line.name}, std::string{line.name}, line.codec});
        if (GetParam().procedures.empty()) return;
        for (const auto& words : listed(GetParam().file, "procedures")) {
            for (const auto& line : GetParam().procedures) {
                if (line.name != words.at(3)) continue;
                takers_.push_back({words[3] + " arguments", words.at(4), line.arguments,
                                   !line.why_unbounded.empty()});
                takers_.push_back({words[3] + " results", words.at(5), line.results});
            }
        }
    }

    /// Calls check(taker, vector) for all that belong together, up to a few failures.
    template <class Check>
    void for_each(const std::vector<Vector>& vectors, Check check) {
        std::multimap<std::string_view, const Vector*> by_type;
        for (const auto& vector : vectors) by_type.emplace(vector.type, &vector);
        std::size_t checked = 0;
        int failures = 0;
        for (const auto& taker : takers_) {
            const auto [from, to] = by_type.equal_range(taker.type);
            for (auto at = from; at != to && failures < 10; ++at, ++checked) {
                if (check(taker, *at->second)) continue;
                ++failures;
                ADD_FAILURE() << GetParam().file << ' ' << taker.label << ", seed " << seed()
                              << ", " << at->second->fault << at->second->path << ":\n"
                              << test::hex_of(at->second->bytes);
            }
        }
        EXPECT_EQ(checked == 0, vectors.empty());
    }

    /// Expects each name that the file lists to be in a table or exempt, and each in those to be
    /// listed.
    void expect_all_known(std::string_view what, std::size_t column,
                          const std::set<std::string_view>& ours) {
        std::set<std::string> theirs;
        for (const auto& words : listed(GetParam().file, what)) theirs.insert(words.at(column));
        for (const auto& name : theirs) {
            const bool is_exempt = exempt_.contains(name);
            EXPECT_NE(ours.contains(name), is_exempt)
                << name << (is_exempt ? " is exempt and in a table" : " is in no table");
            seen_.insert(name);
        }
        for (const auto name : ours)
            EXPECT_TRUE(theirs.contains(std::string{name})) << name << " is not in the file";
    }

    static std::set<std::string_view> exempt_names(std::span<const Exempt> lines) {
        std::set<std::string_view> names;
        for (const auto& line : lines) names.insert(line.name);
        return names;
    }

    std::vector<Taker> takers_;
    std::set<std::string_view> exempt_ = exempt_names(GetParam().exempt);
    std::set<std::string> seen_;
};

template <class Line>
std::set<std::string_view> names_of(std::span<const Line> lines) {
    std::set<std::string_view> names;
    for (const auto& line : lines) EXPECT_TRUE(names.insert(line.name).second) << line.name;
    return names;
}

TEST_P(Oracle, KnowsEveryName) {
    expect_all_known("types", 0, names_of(GetParam().types));
    if (!GetParam().procedures.empty())
        expect_all_known("procedures", 3, names_of(GetParam().procedures));
    expect_all_known("constants", 0, names_of(GetParam().constants));
    for (const auto name : exempt_)
        EXPECT_TRUE(seen_.contains(std::string{name})) << name << " is exempt and not in the file";
}

TEST_P(Oracle, NumbersAreTheSame) {
    std::map<std::string, std::string> theirs;
    for (const auto& words : listed(GetParam().file, "constants"))
        theirs[words.at(0)] = words.at(1);
    for (const auto& line : GetParam().constants)
        EXPECT_EQ(std::to_string(line.value), theirs[std::string{line.name}]) << line.name;

    if (GetParam().procedures.empty()) return;
    for (const auto& words : listed(GetParam().file, "procedures"))
        theirs[words.at(3)] = words.at(2);
    for (const auto& line : GetParam().procedures) {
        EXPECT_EQ(std::to_string(line.id.number), theirs[std::string{line.name}]) << line.name;
        EXPECT_TRUE(line.name.ends_with('_' + std::string{line.id.name})) << line.name;
    }
}

TEST_P(Oracle, DecodesAndEncodesToTheSameBytes) {
    for_each(vectors(GetParam()), [](const Taker& taker, const Vector& vector) {
        const auto decoded = taker.codec(vector.bytes);
        return decoded.ok && decoded.left_bytes == 0 && decoded.again == vector.bytes &&
               decoded.counted_bytes == vector.bytes.size();
    });
}

TEST_P(Oracle, LeavesWhatFollows) {
    for_each(vectors(GetParam()), [](const Taker& taker, const Vector& vector) {
        auto longer = vector.bytes;
        longer.resize(longer.size() + 8, std::byte{0xFF});
        const auto decoded = taker.codec(longer);
        return decoded.ok && decoded.left_bytes == 8 && decoded.again == vector.bytes;
    });
}

TEST_P(Oracle, RefusesEveryProperPrefix) {
    // All prefixes of a long vector would cost the square of its length: of those, the first and
    // the last ones, and some between.
    constexpr std::size_t all_of = 4096;
    constexpr std::size_t stride = 509;
    for_each(vectors(GetParam()), [](const Taker& taker, const Vector& vector) {
        const auto size = vector.bytes.size();
        for (std::size_t cut = 0; cut < size;) {
            if (taker.codec(std::span{vector.bytes}.first(cut)).ok) return false;
            cut += cut < all_of || cut + all_of >= size ? 1 : stride;
        }
        return true;
    });
}

TEST_P(Oracle, RefusesWhatTheRfcForbids) {
    for_each(vectors(GetParam(), "--invalid --explain"),
             [](const Taker& taker, const Vector& vector) {
                 const bool may_pass = taker.is_unbounded && vector.fault == "bound";
                 return taker.codec(vector.bytes).ok == may_pass;
             });
}

// RFC 4506 §3 wants zeroes, and nobody looks.
TEST_P(Oracle, LetsOtherPaddingPass) {
    for_each(vectors(GetParam(), "--invalid --explain --kinds padding"),
             [](const Taker& taker, const Vector& vector) {
                 const auto decoded = taker.codec(vector.bytes);
                 return decoded.ok && decoded.left_bytes == 0 && decoded.again != vector.bytes &&
                        decoded.again.size() == vector.bytes.size();
             });
}

std::string name_of(const testing::TestParamInfo<Specification>& info) {
    return std::string{info.param.file.substr(0, info.param.file.find('.'))};
}

INSTANTIATE_TEST_SUITE_P(Rfc, Oracle, testing::ValuesIn(specifications()), name_of);

/// Program, version, procedure: "100003 3 6 READ".
using Served = std::set<std::string>;

std::string procedure_text(const std::string& program, const std::string& version,
                           const std::string& number, std::string_view name) {
    return program + ' ' + version + ' ' + number + ' ' + std::string{name};
}

void add(Served& served, const rpc::Program& program) {
    for (std::size_t number = 0; number < program.procedures.size(); ++number) {
        const auto& procedure = program.procedures[number];
        if (procedure.invoke == nullptr) continue;
        EXPECT_EQ(procedure.id.number, number);
        served.insert(procedure_text(std::to_string(program.id.number),
                                     std::to_string(program.id.version), std::to_string(number),
                                     procedure.id.name));
    }
}

// The tables that the dispatcher gets are those of the RFCs, procedure by procedure.
TEST(OracleOfPrograms, ServeWhatTheRfcsName) {
    const exports::Exports exports;
    const exports::HandleSealer sealer{exports::HandleKey::random()};
    nfs::Service files{exports, sealer, {}};
    mount::MountList mounts;
    mount::Services mounting{exports, sealer, mounts};
    portmap::Registry registry;
    portmap::Services portmapper{registry};
    Served served;
    add(served, rpc::make_program(nfs::program, files));
    for (const auto& program : mounting.programs()) add(served, program);
    for (const auto& program : portmapper.programs()) add(served, program);
    nlm::Services locking{exports, sealer, {.host_name = "server", .connect = {}}};
    for (const auto& program : locking.programs()) add(served, program);

    Served expected{
        // RFC 1833 §2 has no null procedure in its program; every program has one (RFC 5531 §12.1).
        "100000 3 0 NULL",
        "100000 4 0 NULL",
    };
    for (const auto& specification : specifications()) {
        if (specification.procedures.empty()) continue;
        for (const auto& words : listed(specification.file, "procedures")) {
            if (!is_served(specification, words.at(3))) continue;
            const auto name = words[3].substr(words[3].find('_') + 1);
            expected.insert(procedure_text(words.at(0), words.at(1), words.at(2), name));
            // NLM version 2 is in no document; it is served as version 1 is.
            if (specification.file == "nlm3.x" && words[1] == "1")
                expected.insert(procedure_text(words[0], "2", words[2], name));
        }
    }
    EXPECT_EQ(served, expected);
}

// filename3 and nfspath3 have no bound in the RFC; ours have one that no file system reaches.
TEST(OracleOfBounds, NamesHaveOne) {
    const std::string longest(nfs::text_bytes_max, 'x');
    const auto bytes = test::encoded(xdr::String<>{longest});
    EXPECT_TRUE(test::decodes<nfs::FileName>(bytes));
    EXPECT_TRUE(test::decodes<nfs::Path>(bytes));
    const auto longer = longest + "x";
    const auto too_long = test::encoded(xdr::String<>{longer});
    EXPECT_FALSE(test::decodes<nfs::FileName>(too_long));
    EXPECT_FALSE(test::decodes<nfs::Path>(too_long));
}

}  // namespace
}  // namespace berth::spec
