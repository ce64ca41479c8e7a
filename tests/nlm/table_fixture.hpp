// A lock table over files of a tree in RAM, and short words for locking.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "nfs/vfs/memory.hpp"
#include "nlm/lock_table.hpp"

namespace berth::nlm::test {

constexpr vfs::LockedRange shared(std::uint64_t first, std::uint64_t last) {
    return {{first, last}, vfs::LockKind::shared};
}
constexpr vfs::LockedRange exclusive(std::uint64_t first, std::uint64_t last) {
    return {{first, last}, vfs::LockKind::exclusive};
}

inline constexpr auto whole = exclusive(0, vfs::ByteRange::byte_max);

inline Host host(int number) {
    return {.address = *rpc::Address::parse("192.0.2." + std::to_string(number)),
            .name = "client" + std::to_string(number)};
}
inline Owner owner(int host_number, int svid = 1) {
    return {.host = host(host_number), .svid = svid, .handle = "oh"};
}

class Told final : public LockEvents {
public:
    void granted(LockTable& /*table*/, const Grant& grant) override { grants.push_back(grant); }
    void contended() override { ++contentions; }
    std::vector<Grant> grants;
    int contentions = 0;
};

class LockTableTest : public ::testing::Test {
protected:
    using Answer = LockTable::Answer;

    explicit LockTableTest(const LockLimits& limits = {}) : table(limits, told) {}

    static LockRequest request(const Owner& who, const vfs::LockedRange& what,
                               const FileKey& file = "f") {
        return {.file = file, .owner = who, .wanted = what};
    }
    /// A node per file key, made when first asked for.
    vfs::NodePtr node(const FileKey& file) {
        auto found = root->lookup({}, file);
        return found ? *found : root->create({}, file, {}).value();
    }
    OpenLocks open(const FileKey& file = "f") {
        return [this, file] { return node(file)->open_locks({}); };
    }
    Answer lock(const Owner& who, const vfs::LockedRange& what, const FileKey& file = "f") {
        return table.lock(request(who, what, file), open(file)).value();
    }
    Answer lock_or_wait(const Owner& who, const vfs::LockedRange& what, const FileKey& file = "f") {
        const ReturnPath path{.client = who.host.address, .local = {}};
        return table.lock(request(who, what, file), open(file), &path).value();
    }
    void unlock(const Owner& who, const vfs::ByteRange& range, const FileKey& file = "f") {
        EXPECT_TRUE(table.unlock(request(who, {range, vfs::LockKind::shared}, file)));
    }
    /// Who has been granted what he waited for, since the last question.
    std::vector<Owner> served() {
        std::vector<Owner> owners;
        for (const auto& grant : std::exchange(told.grants, {}))
            owners.push_back(grant.request.owner);
        return owners;
    }

    std::shared_ptr<vfs::FileSystem> files = vfs::memory::make({});
    vfs::NodePtr root = files->root().value();
    Told told;
    LockTable table;
};

}  // namespace berth::nlm::test
