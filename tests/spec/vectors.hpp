// Asks vectors.py.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tests/spec/tables.hpp"

namespace berth::spec {

/// What vectors.py prints, in lines of words. Asked once per process for the same arguments.
using Words = std::vector<std::string>;
const std::vector<Words>& ask(const std::string& arguments);

/// What the file defines: "types", "procedures" or "constants".
const std::vector<Words>& listed(std::string_view file, std::string_view what);

/// Whether the tables join this procedure to one of ours.
bool is_served(const Specification& specification, std::string_view procedure);

struct Vector {
    std::string type;
    Bytes bytes;
    std::string fault;  ///< of an invalid one: "bound"...
    std::string path;   ///< ...and where in the value
};

/// Of BERTH_SEED if that is set, else another one in every process. Print it with every failure.
std::uint64_t seed();

/// Vectors of the types that the tables join to something of ours; `how` is for vectors.py.
std::vector<Vector> vectors(const Specification& specification, std::string_view how = {});

}  // namespace berth::spec
