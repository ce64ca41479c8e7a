#include "nfs/vfs/file_system.hpp"

namespace berth::vfs {

void throw_exception_from_error(const OpenError& error, const boost::source_location&) {
    throw std::system_error{std::make_error_code(error.code), error.reason};
}

boost::system::result<std::shared_ptr<FileSystem>, OpenError>
FileSystem::open_mounted(const std::string& point) const {
    return OpenError{std::errc::not_supported, point + ": this file system opens no mounted ones"};
}

}  // namespace berth::vfs
