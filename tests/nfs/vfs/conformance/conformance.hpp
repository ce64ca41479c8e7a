// What every test of the contract starts with: an empty tree of one implementation, and short words
// for making things in it.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "tests/nfs/vfs/bytes.hpp"
#include "tests/nfs/vfs/trees.hpp"

namespace berth::vfs::test {

inline constexpr auto denied = std::errc::permission_denied;
inline constexpr auto not_permitted = std::errc::operation_not_permitted;

class Conformance : public ::testing::TestWithParam<Implementation> {
protected:
    NodePtr file(const Caller& owner, std::string_view name, std::uint32_t mode = 0644) {
        return file_in(*root, owner, name, mode);
    }
    static NodePtr file_in(Node& directory, const Caller& owner, std::string_view name,
                           std::uint32_t mode = 0644) {
        return directory
            .create(owner, name, {.mode = CreateMode::guarded, .attributes = {.mode = mode}})
            .value();
    }
    NodePtr directory(const Caller& owner, std::string_view name, std::uint32_t mode = 0755) {
        auto made = root->make_directory(owner, name, {.mode = mode}).value();
        // Making one ignores bits that setting the mode does not.
        EXPECT_TRUE(made->set_attributes(root_user, {.mode = mode}));
        return made;
    }
    NodePtr link_to(std::string_view target, std::string_view name) {
        return root->make_symbolic_link(alice, name, target, {}).value();
    }
    NodePtr special(FileType type, std::string_view name) {
        return root->make_special(root_user, name, {.type = type, .attributes = {.mode = 0666}})
            .value();
    }
    /// One of each type that is no directory and no regular file.
    std::vector<NodePtr> neither_file_nor_directory() {
        return {link_to("target", "a-link"), special(FileType::fifo, "a-fifo"),
                special(FileType::socket, "a-socket"),
                special(FileType::character_device, "a-device")};
    }

    static Attributes attributes(Node& node) { return node.attributes(Patience::ample).value(); }

    static void write(Node& node, std::string_view text, std::uint64_t offset = 0) {
        EXPECT_EQ(node.write(root_user, offset, as_bytes(text)).value(), text.size());
    }
    static std::string read(Node& node, std::uint64_t offset = 0) {
        std::vector<std::byte> into(65536);
        into.resize(node.read(root_user, offset, into).value());
        return as_text(into);
    }
    static bool exists(Node& directory, std::string_view name) {
        return directory.lookup(root_user, name).has_value();
    }
    /// Names in the order of the listing, "." and ".." left out.
    static std::vector<std::string> names_in(Node& directory) {
        std::vector<std::string> names;
        EXPECT_TRUE(directory
                        .list(root_user, 0,
                              [&](const DirectoryEntry& entry) {
                                  if (entry.name != "." && entry.name != "..") {
                                      names.emplace_back(entry.name);
                                  }
                                  return true;
                              })
                        .value());
        return names;
    }

    std::unique_ptr<Tree> tree = GetParam().make();
    FileSystem& files = tree->files();
    NodePtr root = files.root().value();
};

}  // namespace berth::vfs::test
