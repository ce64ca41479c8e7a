// A tree in memory, exported, and clients of all versions of MOUNT.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "mount/service.hpp"
#include "nfs/vfs/memory.hpp"
#include "tests/support/bytes.hpp"
#include "tests/support/caller.hpp"
#include "tests/support/faulty/file_system.hpp"

namespace berth::mount {

inline const vfs::Caller root_user{.identity = {}, .patience = vfs::Patience::ample};

inline vfs::NodePtr made_directory(const vfs::NodePtr& in, std::string_view name,
                                   std::uint32_t mode) {
    return in->make_directory(root_user, name, {.mode = mode}).value();
}

inline rpc::Endpoint endpoint(const char* address, std::uint16_t port) {
    return {.address = *rpc::Address::parse(address), .port = port};
}

/// Exports /srv and, inside it, /srv/inner (another tree):
///   /srv/open/deep, /srv/closed (mode 0700), /srv/file, /srv/link -> open, /srv/out -> /
class MountService : public testing::Test {
protected:
    MountService() {
        const auto root = outer->root().value();
        made_directory(made_directory(root, "open", 0755), "deep", 0755);
        made_directory(made_directory(root, "closed", 0700), "deep", 0700);
        root->create(root_user, "file", {}).value();
        root->make_symbolic_link(root_user, "link", "open", {}).value();
        root->make_symbolic_link(root_user, "out", "/", {}).value();
        made_directory(inner->root().value(), "below", 0755);
    }

    test::Caller caller(std::uint32_t version) {
        test::Caller made{services.programs().at(version - 1)};
        made.from = endpoint("192.0.2.7", 700);
        return made;
    }

    Status status(std::string_view path) { return caller(3).call<Mount>({path}).discriminant(); }
    /// What MNT of an older version says.
    std::uint32_t error_number(std::uint32_t version, std::string_view path) {
        return caller(version).call<Mount1>({path}).discriminant();
    }
    /// What the handle that MNT gives says.
    exports::OpenedHandle handle(std::string_view path) {
        auto asking = caller(3);
        const auto result = asking.call<Mount>({path});
        const auto* ok = result.get_if<Status::ok>();
        EXPECT_NE(ok, nullptr) << path;
        return ok == nullptr ? exports::OpenedHandle{} : sealer.open(ok->handle.bytes()).value();
    }
    /// From now on these are exported, as exports(5) writes it.
    void export_all(const std::string& text) {
        const auto list = exports::parse_exports(text, "exports");
        for (const auto& problem : list.problems) ADD_FAILURE() << problem.text();
        std::vector<exports::Export> all;
        for (const auto& listed : list.exports)
            all.push_back(exports::make_export(listed.path, listed.path == "/srv" ? outer : inner,
                                               listed.clients));
        exports.replace(std::move(all));
    }
    vfs::ObjectId id(std::initializer_list<std::string_view> way) {
        auto node = outer->root().value();
        for (const auto name : way) node = node->lookup(root_user, name).value();
        return node->id();
    }

    std::shared_ptr<vfs::faulty::FileSystem> outer =
        std::make_shared<vfs::faulty::FileSystem>(vfs::memory::make());
    std::shared_ptr<vfs::FileSystem> inner = vfs::memory::make();
    exports::Exports exports{
        {exports::make_export("/srv", outer), exports::make_export("/srv/inner", inner)}};
    exports::HandleSealer sealer{exports::HandleKey::random()};
    MountList mounts;
    Services services{exports, sealer, mounts};
};

}  // namespace berth::mount
