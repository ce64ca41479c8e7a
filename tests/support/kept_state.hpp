// A state directory as a server has it open, until the test "restarts" the server.
#pragma once

#include <utility>

#include <boost/filesystem/path.hpp>

#include "nfs/state/store.hpp"

namespace berth::test {

struct KeptState {
    explicit KeptState(const boost::filesystem::path& path, state::Store::Options options = {})
        : folder(state::Folder::open(path).value()),
          store(folder, std::move(options)) {}

    state::Folder folder;
    state::Store store;
};

}  // namespace berth::test
