// Command lines and configuration files, for the tests of options.
#pragma once

#include <fstream>
#include <string>
#include <vector>

#include <unistd.h>

#include <boost/filesystem/operations.hpp>
#include <boost/filesystem/path.hpp>

#include "server/options.hpp"

namespace berth::server {

inline CommandLine parse(std::vector<const char*> arguments) {
    arguments.insert(arguments.begin(), "berth");
    return parse_command_line(static_cast<int>(arguments.size()), arguments.data());
}

inline std::string refusal(const std::vector<const char*>& arguments) {
    try {
        parse(arguments);
    } catch (const UsageError& error) {
        return error.what();
    }
    return "";
}

/// A file that is gone with the test.
class ConfigFile {
public:
    explicit ConfigFile(const std::string& text)
        : path_(boost::filesystem::temp_directory_path() /
                ("berth-config-" + std::to_string(::getpid()))) {
        std::ofstream{path_} << text;
    }
    ~ConfigFile() { boost::filesystem::remove(path_); }
    ConfigFile(const ConfigFile&) = delete;
    ConfigFile& operator=(const ConfigFile&) = delete;
    [[nodiscard]] const char* path() const { return path_.c_str(); }

private:
    boost::filesystem::path path_;
};

}  // namespace berth::server
