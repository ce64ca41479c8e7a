// A names journal in a fresh directory, for its tests: numbers as ids, places as text.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <boost/filesystem/directory.hpp>
#include <boost/filesystem/operations.hpp>
#include <boost/filesystem/path.hpp>

#include "nfs/vfs/posix/names/log.hpp"
#include "tests/media/exported_directory.hpp"

namespace berth::vfs::posix {

inline ObjectId id_of(std::uint32_t number) {
    return ObjectId{std::as_bytes(std::span{&number, 1})};
}

class OpenedLog : public ::testing::Test {
protected:
    static constexpr std::uint64_t tree = 7;

    void open(NameLogOptions options = {}) {
        log.reset();
        options.start_thread = start_thread;
        auto opened = NameLog::open(directory / "names", std::move(options));
        ASSERT_TRUE(opened) << std::make_error_code(opened.error()).message();
        log = std::move(*opened);
    }
    void put(std::uint32_t number, std::uint32_t above, const std::string& name) const {
        log->put(tree, id_of(number), id_of(above), name);
    }
    void erase(std::uint32_t number, std::uint32_t above, const std::string& name) const {
        log->erase(tree, id_of(number), id_of(above), name);
    }
    [[nodiscard]] std::string places_of(std::uint32_t number, std::uint64_t in = tree) const {
        std::string text;
        for (const auto& place : log->find(in, id_of(number))) {
            std::uint32_t above = 0;
            std::memcpy(&above, place.directory.bytes().data(), sizeof above);
            text += (text.empty() ? "" : " ") + std::to_string(above) + "/" + place.name;
        }
        return text.empty() ? "nowhere" : text;
    }
    /// The journal's files, the oldest first.
    [[nodiscard]] std::vector<boost::filesystem::path> files() const {
        std::vector<boost::filesystem::path> found;
        for (const auto& entry : boost::filesystem::directory_iterator{directory / "names"})
            if (entry.path().filename().string().front() != 'd') found.push_back(entry.path());
        std::ranges::sort(found, {},
                          [](const auto& path) { return std::stoul(path.filename().string()); });
        return found;
    }

    TemporaryDirectory directory;
    std::unique_ptr<NameLog> log;
};

}  // namespace berth::vfs::posix
