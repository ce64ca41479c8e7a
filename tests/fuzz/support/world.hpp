// All programs of the server over small trees in RAM, the same at every start, and handles to what
// is in them.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include "mount/service.hpp"
#include "nfs/service.hpp"
#include "nfs/vfs/memory.hpp"
#include "nlm/programs.hpp"
#include "portmap/programs.hpp"
#include "rpc/dispatcher.hpp"

namespace berth::fuzz {

class World {
public:
    using Bytes = std::vector<std::byte>;

    World() {
        fill();
        dispatcher.add(rpc::make_program(nfs::program, nfs_));
        for (auto& program : mount_.programs()) dispatcher.add(std::move(program));
        for (auto& program : portmap_.programs()) dispatcher.add(std::move(program));
        // Nobody is called back: that would take threads.
        for (auto& program : locks_.programs()) dispatcher.add(std::move(program));
        registry_.add_own({.program = 100003, .version = 3, .at = {.port = 2049}});
    }

    rpc::Dispatcher dispatcher;
    /// Of one object of each kind, and handles that are good for nothing.
    std::vector<Bytes> handles;

private:
    static constexpr std::array<std::byte, exports::HandleKey::size> key{std::byte{1}};

    static std::shared_ptr<vfs::FileSystem> make_tree() {
        // As little as makes every limit reachable. The clock tells no two runs apart.
        return vfs::memory::make({.capacity_bytes = 1U << 20,
                                  .capacity_files = 64,
                                  .links_max = 8,
                                  .root_mode = 0777,
                                  .clock = [] { return vfs::Time{.seconds = 1}; }});
    }

    void keep(std::string_view path, const vfs::NodePtr& node) {
        const auto handle =
            sealer_.seal(exports_.pin()->matches(path).front().found->id, node->id());
        handles.emplace_back(handle.bytes().begin(), handle.bytes().end());
    }

    void fill() {
        const vfs::Caller root_user;
        const auto root = *files_->root();
        const vfs::NewFile file{.attributes = {.mode = 0666}};
        keep("/tree", root);
        keep("/tree", *root->create(root_user, "file", file));
        const auto directory = *root->make_directory(root_user, "directory", {.mode = 0777});
        keep("/tree", directory);
        keep("/tree", *directory->create(root_user, "file", file));
        keep("/tree", *root->make_symbolic_link(root_user, "link", "file", {}));
        keep("/tree", *root->make_special(root_user, "fifo", {}));
        const auto private_directory = *root->make_directory(root_user, "private", {.mode = 0700});
        keep("/squashed", private_directory);
        keep("/squashed", root);
        keep("/readonly", root);
        // Of a removed object, of one in another export's tree, of no export, of nothing.
        keep("/tree", *root->create(root_user, "gone", file));
        (void)root->remove(root_user, "gone");
        keep("/other", directory);
        keep("/other", *other_->root());
        const auto nowhere = sealer_.seal(exports::ExportId{1}, root->id());
        handles.emplace_back(nowhere.bytes().begin(), nowhere.bytes().end());
        handles.emplace_back();
    }

    std::shared_ptr<vfs::FileSystem> files_ = make_tree();
    std::shared_ptr<vfs::FileSystem> other_ = make_tree();
    exports::Exports exports_{{
        exports::make_export("/tree", files_, {.squash = exports::Squash::none}),
        exports::make_export("/squashed", files_),
        exports::make_export("/readonly", files_, exports::Options{.read_only = true}),
        exports::make_export("/other", other_, exports::Options{.sync = false}),
    }};
    exports::HandleSealer sealer_{exports::HandleKey{key}};
    nfs::Service nfs_{
        exports_, sealer_, {.transfer_bytes_max = 65536, .udp_transfer_bytes_max = 32768}};
    mount::MountList mounts_;
    mount::Services mount_{exports_, sealer_, mounts_};
    nlm::Services locks_{exports_, sealer_, {.host_name = "server", .connect = {}}};
    portmap::Registry registry_;
    portmap::Services portmap_{registry_};
};

}  // namespace berth::fuzz
