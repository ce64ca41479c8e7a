#include <array>
#include <cstdio>
#include <fstream>
#include <stdexcept>
#include <string>
#include <utility>

#include <boost/filesystem/operations.hpp>

#include "tests/media/medium.hpp"

namespace berth::vfs::posix {

void run_command(const std::string& command) {
    // NOLINTNEXTLINE(cert-env33-c): the commands are the tests' own
    std::FILE* const pipe = ::popen((command + " 2>&1").c_str(), "r");
    if (pipe == nullptr) throw std::runtime_error{command + ": cannot run it"};
    std::string said;
    std::array<char, 4096> part{};
    while (const auto count = std::fread(part.data(), 1, part.size(), pipe))
        said.append(part.data(), count);
    if (::pclose(pipe) != 0) throw std::runtime_error{command + ": " + said};
}

ImageMedium::ImageMedium(std::string space, std::string kind, unsigned mebibytes,
                         const std::string& options)
    : space_(std::move(space)),
      kind_(std::move(kind)) {
    boost::filesystem::create_directories(path());
    const auto image = space_ + "/image";
    std::ofstream{image}.close();
    boost::filesystem::resize_file(image, std::uintmax_t{mebibytes} << 20);
    run_command("mkfs." + kind_ + (kind_ == "ext4" ? " -q -F " : " -q -f ") + options + " " +
                image);
    mount();
}

void ImageMedium::mount() {
    run_command("mount -o loop -t " + kind_ + " " + space_ + "/image " + path());
    boost::filesystem::permissions(path(), boost::filesystem::perms::all_all);
}

void ImageMedium::mount_again() {
    run_command("umount " + path());
    mount();
}

void ImageMedium::mount_with(const std::string& options) {
    run_command("mount -o remount," + options + " " + path());
}

void ImageMedium::limit(unsigned mebibytes) {
    run_command("btrfs quota enable " + path());
    run_command("btrfs quota rescan -w " + path());
    run_command("btrfs qgroup limit " + std::to_string(mebibytes) + "M 0/5 " + path());
}

}  // namespace berth::vfs::posix
