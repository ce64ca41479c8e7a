// A directory of a test's own, removed with all it holds.
#pragma once

#include <cstdlib>
#include <stdexcept>
#include <string>

#include <boost/filesystem/operations.hpp>
#include <boost/filesystem/path.hpp>

namespace berth::test {

class TemporaryDirectory {
public:
    /// `under`: which file system it is on.
    explicit TemporaryDirectory(
        const boost::filesystem::path& under = boost::filesystem::temp_directory_path()) {
        auto name = (under / "berth-test-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error{"no temporary directory"};
        path_ = name;
    }
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
    ~TemporaryDirectory() {
        boost::system::error_code ignored;
        boost::filesystem::remove_all(path_, ignored);
    }

    [[nodiscard]] const boost::filesystem::path& path() const { return path_; }

private:
    boost::filesystem::path path_;
};

}  // namespace berth::test
