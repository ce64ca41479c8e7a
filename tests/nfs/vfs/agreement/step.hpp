// One operation on a tree, as data: the same can be carried out on any implementation, and printed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "nfs/vfs/types.hpp"
#include "tests/nfs/vfs/trees.hpp"

namespace berth::vfs::test {

enum class Kind : std::uint8_t {
    lookup,
    peek,
    list,
    access,
    set_attributes,
    read,
    write,
    read_link,
    create,
    make_directory,
    make_symbolic_link,
    make_special,
    link,
    remove,
    remove_directory,
    rename,
};

/// Objects are named by slot: slot 0 is the root, the others hold what earlier steps found or made,
/// be it removed by now or not.
struct Step {
    static constexpr std::size_t slots = 8;

    Kind kind = Kind::lookup;
    const Person* who = nullptr;
    std::size_t object = 0;
    std::string name;
    std::size_t other = 0;   ///< of link and rename
    std::string other_name;  ///< of rename; the text of a symbolic link
    std::size_t into = 1;    ///< the slot for what is found or made
    NewAttributes attributes;
    CreateMode create_mode = CreateMode::unchecked;
    std::uint8_t verifier = 0;
    FileType type = FileType::fifo;
    std::uint64_t offset = 0;
    std::size_t bytes = 0;
    std::uint8_t permissions = 0;
};

std::string to_string(const Step& step);

/// The same for the same seed, on every machine.
std::vector<Step> random_steps(std::uint64_t seed, std::size_t count);

}  // namespace berth::vfs::test
