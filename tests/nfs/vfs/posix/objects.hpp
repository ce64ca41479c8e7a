// For tests of what an object is: a tree that is served again and again, with one journal of names,
// and what is to be found in it.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sys/mount.h>

#include <boost/filesystem/operations.hpp>

#include "tests/media/exported_directory.hpp"

namespace berth::vfs::posix {

inline std::span<const std::byte> bytes_of(std::string_view text) {
    return std::as_bytes(std::span{text});
}

class Objects : public ::testing::Test {
protected:
    void serve(const std::string& path, Options options = {}) {
        files.reset();
        options.journal = journal_in(space / "journal", start_thread);
        auto opened = open(path, options);
        if (!opened) throw std::runtime_error{opened.error().reason};
        files = std::move(*opened);
    }
    /// As serve(), with so few nodes that everything is found again and again.
    void serve_forgetfully(const std::string& path, bool has_handles = true) {
        serve(path, {.nodes_max = 1, .file_handles = has_handles});
    }
    NodePtr find(const ObjectId& id) {
        auto found = files->find(id, Patience::ample);
        return found ? *found : NodePtr{};
    }
    NodePtr at(std::string_view path) {
        auto node = files->root().value();
        while (!path.empty()) {
            const auto name = path.substr(0, path.find('/'));
            path.remove_prefix(std::min(path.size(), name.size() + 1));
            auto next = node->lookup(root_caller, name);
            if (!next) throw std::runtime_error{"no " + std::string{name}};
            node = *next;
        }
        return node;
    }
    static std::string text_of(const NodePtr& node) {
        return node ? read_all(*node, root_caller) : "stale";
    }

    /// Each path is an object of its own, and the file's text is its path.
    void are_different(const std::vector<std::string>& paths) {
        std::map<std::string, ObjectId> ids;
        std::set<std::pair<std::uint64_t, std::uint64_t>> numbers;
        std::set<std::string> seen;
        for (const auto& path : paths) {
            const auto node = at(path);
            const auto id = node->id();
            ids[path] = id;
            seen.emplace(reinterpret_cast<const char*>(id.bytes().data()), id.bytes().size());
            const auto attributes = node->attributes(Patience::ample).value();
            numbers.emplace(attributes.part, attributes.fileid);
            EXPECT_EQ(at(path)->id(), id) << path;
        }
        EXPECT_EQ(seen.size(), paths.size()) << "ids";
        EXPECT_EQ(numbers.size(), paths.size()) << "numbers";
        for (const auto& [path, id] : ids) {
            const auto node = find(id);
            ASSERT_TRUE(node) << path;
            if (node->attributes(Patience::ample)->type == FileType::regular) {
                EXPECT_EQ(text_of(node), path);
            }
        }
    }

    std::string overlay(const std::string& name, const std::string& layers) {
        const auto merged = space / name;
        boost::filesystem::create_directory(merged);
        if (::mount("overlay", merged.c_str(), "overlay", 0, layers.c_str()) != 0)
            throw std::runtime_error{"cannot mount " + layers};
        return merged;
    }
    std::string directory(const std::string& name) {
        boost::filesystem::create_directories(space / name);
        boost::filesystem::permissions(space / name, boost::filesystem::perms::all_all);
        return space / name;
    }

    TemporaryDirectory space{"/var/tmp"};
    std::unique_ptr<FileSystem> files;
};

/// A lower layer with a file under three names.
inline void make_links(const std::string& lower) {
    write_local(lower + "/first", "as it was");
    for (const char* other : {"/second", "/third"})
        boost::filesystem::create_hard_link(lower + "/first", lower + other);
}

}  // namespace berth::vfs::posix
