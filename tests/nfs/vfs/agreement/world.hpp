// A tree on which steps are carried out, and what there is to see of it as text: two trees agree
// when the texts do.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <string>

#include "tests/nfs/vfs/agreement/step.hpp"
#include "tests/nfs/vfs/trees.hpp"

namespace berth::vfs::test {

/// What a step answered and what can be seen of the objects it was about.
struct Observation {
    Outcome outcome;
    std::string seen;
    bool operator==(const Observation&) const = default;
};

class World {
public:
    explicit World(std::unique_ptr<Tree> tree);

    Observation carry_out(const Step& step);
    /// Every entry of the tree with its attributes and contents; hard links are told.
    std::string picture();

private:
    Outcome act(const Step& step, std::string& answer);
    Outcome make(const Step& step);
    Outcome keep(const Step& step, Result<NodePtr> found);
    void draw(Node& directory, const std::string& path, std::string& picture);

    std::unique_ptr<Tree> tree_;
    std::array<NodePtr, Step::slots> slots_;
    std::map<std::uint64_t, std::string> drawn_;  // by fileid: the first path
};

}  // namespace berth::vfs::test
